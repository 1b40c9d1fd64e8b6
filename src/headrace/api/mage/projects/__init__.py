"""The project and what moves its runs, as Mage's pages ask for them before anything else."""
