"""jax.profiler: traces of what runs when, on torch.profiler."""

from jaxlike._src.profiler import ProfileOptions as ProfileOptions
from jaxlike._src.profiler import StepTraceAnnotation as StepTraceAnnotation
from jaxlike._src.profiler import TraceAnnotation as TraceAnnotation
from jaxlike._src.profiler import annotate_function as annotate_function
from jaxlike._src.profiler import device_memory_profile as device_memory_profile
from jaxlike._src.profiler import save_device_memory_profile as save_device_memory_profile
from jaxlike._src.profiler import start_trace as start_trace
from jaxlike._src.profiler import stop_trace as stop_trace
from jaxlike._src.profiler import trace as trace
