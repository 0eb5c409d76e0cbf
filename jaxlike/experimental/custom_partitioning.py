"""jax.experimental.custom_partitioning: functions that say how a compiler may split them over devices."""

from jaxlike._src.experimental.custom_partitioning import custom_partitioning as custom_partitioning
from jaxlike._src.experimental.custom_partitioning import custom_partitioning_p as custom_partitioning_p
from jaxlike._src.experimental.sharding_rule import BATCHING as BATCHING
from jaxlike._src.experimental.sharding_rule import ArrayMapping as ArrayMapping
from jaxlike._src.experimental.sharding_rule import CompoundFactor as CompoundFactor
from jaxlike._src.experimental.sharding_rule import SdyShardingRule as SdyShardingRule
