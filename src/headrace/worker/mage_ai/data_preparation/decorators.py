"""The decorators of block files, as Mage 0.9.80 names them. Each gives back what it decorates (`running.decorator`)."""

from typing import Any

from headrace.worker import running

callback = running.decorator("callback")
condition = running.decorator("condition")
custom = running.decorator("custom")
data_exporter = running.decorator("data_exporter")
data_loader = running.decorator("data_loader")
extension = running.decorator("extension")
sensor = running.decorator("sensor")
transformer = running.decorator("transformer")
test = running.decorator("test")
on_success = running.decorator("on_success")
on_failure = running.decorator("on_failure")
preprocesser = running.decorator("preprocesser")
preprocesser_functions = running.decorator("preprocesser")

data_source = running.decorator("data_source")
xy = running.decorator("xy")
x = running.decorator("x")
y = running.decorator("y")
configuration = running.decorator("configuration")
render = running.decorator("render")
columns = running.decorator("columns")

data_integration_destination = running.decorator("data_integration_destination")
data_integration_source = running.decorator("data_integration_source")
data_integration_catalog = running.decorator("data_integration_catalog")
data_integration_config = running.decorator("data_integration_config")
data_integration_selected_streams = running.decorator("data_integration_selected_streams")
data_integration_query = running.decorator("data_integration_query")

streaming_source = running.decorator("streaming_source")
streaming_sink = running.decorator("streaming_sink")


def collect_decorated_objs(collected: list[Any]) -> running.Function:
    """A decorator that puts what it decorates into the list."""

    def collect(decorated: Any) -> Any:
        collected.append(decorated)
        return decorated

    return collect
