"""Pipeline runs and block runs, as Mage's clients ask for them."""

from headrace.api.mage.runs import blocks, calling, exports, graphs, routes, statuses, waited

RESOURCES = (
    routes.pipeline_runs,
    calling.calls,
    blocks.block_runs,
    blocks.left,
    graphs.blocks,
    exports.block_outputs,
    statuses.statuses,
    waited.waited,
)
