"""jax.interpreters.partial_eval: functions traced to jaxprs."""

from jaxlike._src.extending.dce import dce_jaxpr as dce_jaxpr
from jaxlike._src.extending.dce import dce_jaxpr_call_rule as dce_jaxpr_call_rule
from jaxlike._src.extending.dce import dce_jaxpr_closed_call_rule as dce_jaxpr_closed_call_rule
from jaxlike._src.extending.dce import dce_jaxpr_consts as dce_jaxpr_consts
from jaxlike._src.extending.dce import dce_rules as dce_rules
from jaxlike._src.extending.partial_eval import DynamicJaxprTracer as DynamicJaxprTracer
from jaxlike._src.extending.partial_eval import JaxprTracer as JaxprTracer
from jaxlike._src.extending.partial_eval import PartialVal as PartialVal
from jaxlike._src.extending.partial_eval import Val as Val
from jaxlike._src.extending.partial_eval import custom_partial_eval_rules as custom_partial_eval_rules
from jaxlike._src.extending.partial_eval import partial_eval_jaxpr_custom_rules as partial_eval_jaxpr_custom_rules
from jaxlike._src.extending.partial_eval import trace_to_jaxpr_dynamic as trace_to_jaxpr_dynamic
from jaxlike._src.extending.partial_eval import trace_to_jaxpr_nounits as trace_to_jaxpr_nounits
