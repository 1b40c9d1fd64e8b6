if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def compare(penguins, *args, **kwargs):
    """How big is each species? Penguins that were not measured are left out."""
    by_species = penguins.dropna(subset='body_mass_g').groupby('species', as_index=False)
    return by_species.agg(
        penguins=('species', 'size'),
        mass_g=('body_mass_g', 'mean'),
        flipper_mm=('flipper_length_mm', 'mean'),
    ).round(1)


@test
def test_gentoos_are_the_heaviest(species, *args):
    assert species['penguins'].sum() == 342
    assert species.sort_values('mass_g')['species'].iloc[-1] == 'Gentoo'
