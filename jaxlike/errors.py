"""The exceptions that transformations and arrays raise."""

from jaxlike._src.errors import ConcretizationTypeError as ConcretizationTypeError
from jaxlike._src.errors import InconclusiveDimensionOperation as InconclusiveDimensionOperation
from jaxlike._src.errors import JAXIndexError as JAXIndexError
from jaxlike._src.errors import JaxprTypeError as JaxprTypeError
from jaxlike._src.errors import JaxRuntimeError as JaxRuntimeError
from jaxlike._src.errors import JAXTypeError as JAXTypeError
from jaxlike._src.errors import KeyReuseError as KeyReuseError
from jaxlike._src.errors import NonConcreteBooleanIndexError as NonConcreteBooleanIndexError
from jaxlike._src.errors import TracerArrayConversionError as TracerArrayConversionError
from jaxlike._src.errors import TracerBoolConversionError as TracerBoolConversionError
from jaxlike._src.errors import TracerIntegerConversionError as TracerIntegerConversionError
from jaxlike._src.errors import UnexpectedTracerError as UnexpectedTracerError
