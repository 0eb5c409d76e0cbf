"""jax.experimental.rnn: LSTMs."""

from jaxlike._src.experimental.rnn import get_num_params_in_lstm as get_num_params_in_lstm
from jaxlike._src.experimental.rnn import init_lstm_weight as init_lstm_weight
from jaxlike._src.experimental.rnn import lstm as lstm
from jaxlike._src.experimental.rnn import lstm_ref as lstm_ref
from jaxlike._src.experimental.rnn import swap_lstm_gates as swap_lstm_gates
from jaxlike._src.experimental.rnn import unpack_lstm_weights as unpack_lstm_weights
