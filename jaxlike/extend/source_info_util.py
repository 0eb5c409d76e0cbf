"""jax.extend.source_info_util: where equations come from."""

from jaxlike._src.graph.source import NameStack as NameStack
from jaxlike._src.graph.source import SourceInfo as SourceInfo
from jaxlike._src.graph.source import current as current
from jaxlike._src.graph.source import current_name_stack as current_name_stack
from jaxlike._src.graph.source import extend_name_stack as extend_name_stack
from jaxlike._src.graph.source import new_name_stack as new_name_stack
from jaxlike._src.graph.source import new_source_info as new_source_info
from jaxlike._src.graph.source import reset_name_stack as reset_name_stack
from jaxlike._src.graph.source import set_name_stack as set_name_stack
from jaxlike._src.graph.source import summarize as summarize
from jaxlike._src.graph.source import transform_name_stack as transform_name_stack
from jaxlike._src.graph.source import user_context as user_context
from jaxlike._src.traceback_filter import register_exclusion as register_exclusion
