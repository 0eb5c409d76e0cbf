import jax
import jax.numpy as jnp

# %% Automatic differentiation with JAX: a course's recitation, section by section
#
# AA 203 Recitation #1: Automatic Differentiation with JAX
# Spencer M. Richards, Matthew Foutter. April 4, 2025
#
#     python -m jaxlike examples/recitation.py [where to save the plot]
#
# The code is the recitation's own, to the letter; nothing in it knows of jaxlike, and `python
# examples/recitation.py` runs it on JAX. Two things are added, each marked "Added": the plot is saved
# as well as shown, and what the notebook does with %timeit a small function does here.

# %% 1 JAX
#
# JAX follows the *functional programming* paradigm. That is, JAX provides tools to transform a
# function into another function. Specifically, JAX can automatically compute the *derivative* of a
# function or composition of functions.
#
# As an example, for f(x) = 1/2 ‖x‖², JAX computes ∇f : ℝⁿ → ℝⁿ where ∇f(x) = x.

f = lambda x: jnp.sum(x**2)/2
grad_f = jax.grad(f)
x = jnp.array([0., 1., 2.])

print('x:', x)
print('f(x):', f(x))
print('grad_f(x):', grad_f(x))

# %% 2 Automatic Differentation
#
# Consider the function f : ℝⁿ → ℝᵐ. The Jacobian of f evaluated at the point x ∈ ℝⁿ is the matrix
#
#     ∂f(x) = [∂fᵢ/∂xⱼ (x)], i = 1 ... m, j = 1 ... n, in ℝᵐˣⁿ.
#
# As for any matrix, the Jacobian ∂f(x) : ℝⁿ → ℝᵐ is a linear map v ↦ ∂f(x)v defined by the usual
# matrix-vector multiplication rules.
#
# Automatic Differentiation (AD, autodiff) uses pre-defined derivatives and the chain rule to compute
# derivatives of more complex functions. In particular, AD can be used to compute the Jacobian-Vector
# Product (JVP)
#
#     ∂f(x) : ℝⁿ → ℝᵐ, v ↦ ∂f(x)v
#
# and the Vector-Jacobian Product (VJP)
#
#     ∂f(x)ᵀ : ℝᵐ → ℝⁿ, w ↦ ∂f(x)ᵀw.
#
# These maps are also known as the *pushforward* and *pullback*, respectively, of f at x. The vectors
# v and w are termed seeds in AD literature.
#
# Consider the function composition h(x) = f_N(f_{N-1}(... f_1(x) ...)), where each f_k is some
# differentiable map. We can write this recursively as y_0 = x, y_{k+1} = f_k(y_k), y_N = h(x). By the
# chain rule, we have
#
#     ∂h(x) = ∂f_N(y_{N-1}) ∂f_{N-1}(y_{N-2}) ... ∂f_1(y_0).
#
# This sequence of matrix multiplications can quickly get expensive for complicated functions! It is
# more efficient and usually sufficient in practice to compute JVPs via the recursion
#
#     ∂h(x) v_0 = v_N,    v_k = ∂f_k(y_{k-1}) v_{k-1},
#
# and VJPs via the recursion
#
#     ∂h(x)ᵀ w_0 = w_N,   w_k = ∂f_{N-k+1}(y_{N-k})ᵀ w_{k-1}.
#
# VJPs require more memory than JVPs, since the y_k must be computed and stored first (i.e., the
# forward pass) before recursing (i.e., the backward pass).

# %% 2.1 Example: VJP as a gradient
#
# For a scalar function f : ℝⁿ → ℝ, the Jacobian at x is ∂f(x) ∈ ℝ¹ˣⁿ, so ∇f(x) = ∂f(x)ᵀ 1. E.g., if
# f(x) = 1/2 ‖x‖², then ∇f(x) = x · 1.

f = lambda x: jnp.sum(x**2)/2 # anonymous functions work as well
x = jnp.array([0., 1., 2.])
f_x, dfxT = jax.vjp(f, x) # compute forward pass and VJP function
dfxT_1 = dfxT(1.)
print('x: ', x)
print('f(x): ', f_x)
print('dfxT(1):', dfxT_1)

# %% 2.1 (continued)

# plot
import matplotlib.pyplot as plt
xs1, xs2 = jnp.meshgrid(
    jnp.linspace(-6, 6, 101),
    jnp.linspace(-6, 6, 101))
xs1 = xs1.reshape(101**2, 1)
xs2 = xs2.reshape(101**2, 1)
xs = jnp.concatenate((xs1, xs2), axis=-1)
fs = jax.vmap(f)(xs)
plt.figure(figsize=[6, 6])
plt.scatter(xs1, xs2, c=fs)
plt.quiver(x[1], x[2], dfxT_1[0][1], dfxT_1[0][2],
    scale=10, color='r')

# Added: save the plot. Without a display matplotlib draws with Agg, and the next line shows nothing.
import sys
plot_file = sys.argv[1] if len(sys.argv) > 1 else 'recitation_plot.png'
plt.savefig(plot_file, dpi=100)
print('the plot is saved as', plot_file, file=sys.stderr)

plt.show()

# %% 2.2 Example: JVP as a directional derivative
#
# The directional derivative of f : ℝⁿ → ℝ at x ∈ ℝⁿ along v ∈ ℝⁿ is ∇f(x)ᵀv = ∂f(x)v. E.g., if
# f(x) = 1/2 ‖x‖², then ∇f(x)ᵀv = xᵀv.

f = lambda x: jnp.sum(x**2)/2
x = jnp.array([0., 1., 2.])
v = jnp.array([1., 1., 1.])

# use tuples to separate inputs from seeds
f_x, dfx_v = jax.jvp(f, (x,), (v,))

print('x: ', x)
print('f(x): ', f_x)
print('dfx(v):', dfx_v)

# %% 2.3 Example: Multi-input, multi-output VJP
#
# Let's try something more complicated:
#
#     f : ℝⁿ × ℝⁿ → ℝ × ℝ, (x, y) ↦ (1/2 ‖x‖² + 1/2 ‖y‖², x₁ + ... + xₙ)

def f(x, y):
    f1 = jnp.sum(x**2)/2 + jnp.sum(y**2)/2
    f2 = jnp.sum(x)
    return f1, f2

x = jnp.array([0., 1., 2.])
y = jnp.array([0., 1., 2.])
f_xy, dfT = jax.vjp(f, x, y)

print('x,y: ', x, y)
print('f(x,y): ', f_xy)
print('dfT(1,1):', dfT((1., 1.))) # provide tuple as input

# %% 2.4 Example: VJP and JVP for a Matrix Input
#
# We can generalize VJPs and JVPs to non-vector inputs as well:
#
#     f : ℝⁿˣⁿ → ℝ, X ↦ aᵀXb

def f(X):
    a, b = jnp.array([0., 1., 2.]), jnp.array([0., 1., 2.])
    return a @ (X @ b)

X = jnp.ones((3, 3))
f_x = f(X)
w, V = jnp.array(1.), jnp.eye(3)
f_x, dfT = jax.vjp(f, X)
f_x, df_v = jax.jvp(f, (X,), (V,))

print('X:\n', X, '\n', 'f(X): ', f_x, '\n', sep='')
print('dfT(1):\n', dfT(w), '\n', 'df(I): ', df_v, sep='')

# %% 3 Auto-Vectorizing Functions with jax.vmap
#
# For some complicated function f : ℝⁿ → ℝᵐ, we want to calculate f(x) for many different values of x
# without looping. This is known as *vectorizing* a function. JAX can do this automatically!

f = lambda x: jnp.array([jnp.sum(x**2)/2, jnp.linalg.norm(x, jnp.inf)])
f = jax.vmap(f)

batch_size, n = 100, 3
x = jnp.ones((batch_size, n)) # dummy values with desired shape

print(x.shape)
print(f(x).shape)

# %% 3.1 Example: Batch Evaluation of a Neural Network

def f(x, W, b):
    return W[1] @ jnp.tanh(W[0] @ x + b[0]) + b[1]

f = jax.vmap(f, in_axes=(0, None, None))

f = jax.vmap(f, in_axes=(0, None, None))

n, m = 3, 5

batch_size = 100
hdim = 32

W = (jnp.ones((hdim, n)), jnp.ones((m, hdim)))
b = (jnp.ones(hdim), jnp.ones(m))
x = jnp.ones((40, batch_size, n))

print(x.shape)
print(f(x, W, b).shape)

# %% 3.2 Example: Jacobian Matrix from JVPs and VJPs
#
# Let e_k ∈ {0, 1}ᵈ denote the k-th coordinate vector in d dimensions. For f : ℝⁿ → ℝᵐ, we can compute
# the full Jacobian ∂f(x) ∈ ℝᵐˣⁿ with either n JVPs
#
#     ∂f(x) = ∂f(x) I_n = [∂f(x)e_1  ∂f(x)e_2  ...  ∂f(x)e_n],
#
# or m VJPs
#
#     ∂f(x)ᵀ = ∂f(x)ᵀ I_m = [∂f(x)ᵀe_1  ∂f(x)ᵀe_2  ...  ∂f(x)ᵀe_m].
#
# This is what the source code for jax.jacfwd and jax.jacrev does.

f = lambda x: jnp.array([x[0], x[0]**2 + x[2]**2])

def df(x, v):
    fx, dfx_v = jax.jvp(f, (x,), (v,))
    return dfx_v

def dfT(x, w):
    fx, dfxT = jax.vjp(f, x)
    return dfxT(w)[0] # need to index into tuple

n, m = 3, 2
x = jnp.ones(n)
Jx = jax.vmap(df, in_axes=(None, 0))(x, jnp.eye(n))
JxT = jax.vmap(dfT, in_axes=(None, 0))(x, jnp.eye(m))

print('Jacobian (forward AD):')
print(Jx)
print('\nJacobian (reverse AD):')
print(JxT)

# %% 3.3 Example: Linearizing Dynamics at Many Points
#
# For ẋ = f(x, u) with x ∈ ℝⁿ and u ∈ ℝᵐ, recall the first-order Taylor approximation
#
#     f(x, u) ≈ f(x̄_k, ū_k) + ∂ₓf(x̄_k, ū_k)(x - x̄) + ∂ᵤf(x̄_k, ū_k)(u - ū)
#                  = c_k         = A_k                  = B_k
#
# We want A_k Δx_t, B_k Δu_t, and c_k for {(x̄_k, ū_k)}, k = 1 ... K, and {(Δx_t, Δu_t)}, t = 1 ... T.
#
# This scenario may correspond to evaluating Taylor approximations for T perturbations (Δx_t, Δu_t)
# that we want to test at the K points (x̄_k, ū_k).

# Inverted pendulum (with unit mass and unit length)
f = lambda x, u: jnp.array([x[1], 9.81*jnp.sin(x[0]) + u[0]])

def taylor(x̄, ū, Δx, Δu):
    f_x̄ū, AΔx = jax.jvp(lambda x: f(x, ū), (x̄,), (Δx,))
    _, BΔu = jax.jvp(lambda u: f(x̄, u), (ū,), (Δu,))
    return f_x̄ū, AΔx, BΔu

print(type(taylor))

n, m = 2, 1
K, T = 5, 10
x̄, ū = jnp.ones((K, n)), jnp.ones((K, m))
Δx, Δu = jnp.ones((T, n)), jnp.ones((T, m))

taylor = jax.vmap(taylor, in_axes=(None, None, 0, 0))
print(type(taylor))
taylor = jax.vmap(taylor, in_axes=(0, 0, None, None))
print(type(taylor))
c, Ax, Bu = taylor(x̄, ū, Δx, Δu)

print(c.shape)
print(Ax.shape)
print(Bu.shape)

# %% 3.3 (continued)
#
# If, instead, we have K = 5 trajectories {(x̄_k, ū_k)} and each trajectory x̄_k has T = 10 timesteps
# {(x̄_{k,t}, ū_{k,t})}, and similarly for (Δx, Δu), then we can evaluate Taylor approximations for all
# these trajectories with two calls to vmap as below.

# Inverted pendulum (with unit mass and unit length)
f = lambda x, u: jnp.array([x[1], 9.81*jnp.sin(x[0]) + u[0]])

def taylor(x̄, ū, Δx, Δu):
    f_x̄ū, AΔx = jax.jvp(lambda x: f(x, ū), (x̄,), (Δx,))
    f_x̄ū, BΔu = jax.jvp(lambda u: f(x̄, u), (ū,), (Δu,))
    return f_x̄ū, AΔx, BΔu

n, m = 2, 1
K, T = 5, 10
x̄ = jnp.ones((K, T, n)) # note the different sizes
ū = jnp.ones((K, T, m))
Δx, Δu = jnp.ones((K, T, n)), jnp.ones((K, T, m))

# two successive calls to vmap:
# we linearize for the K trajectories that each have T timesteps
taylor = jax.vmap(taylor)
taylor = jax.vmap(taylor)
c, Ax, Bu = taylor(x̄, ū, Δx, Δu)

print(c.shape)
print(Ax.shape)
print(Bu.shape)

# %% 4 Other Features and Nuances of JAX
#
# See the JAX documentation for more details.

# %% 4.1 Just-In-Time (JIT) Compilation
#
# JAX can compile code to run fast on both CPUs and GPUs. The first call to a "jitted" function will
# compile and cache the function; subsequent calls are then much faster.

# Added: what %timeit does in the notebook, with fewer loops. A dot on the error stream for each run.
import statistics
import time

def timeit(label, call, runs=10, loops=10):
    call() # the first call of a jitted function compiles it
    seconds = []
    print('timing', label, end=' ', file=sys.stderr, flush=True)
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(loops):
            call()
        seconds.append((time.perf_counter() - start) / loops)
        print('.', end='', file=sys.stderr, flush=True)
    print(file=sys.stderr)
    median = statistics.median(seconds)
    print(f'{label}: {1e3 * median:.1f} ms per loop (median of {runs} runs of {loops} loops each, '
          f'from {1e3 * min(seconds):.1f} to {1e3 * max(seconds):.1f} ms)')
    return median

def selu(x, alpha=1.67, lmbda=1.05):
    return lmbda * jnp.where(x > 0, x, alpha * jnp.exp(x) - alpha)

x = jnp.ones(int(1e7))
plain = timeit('plain selu', lambda: selu(x).block_until_ready())

selu_jit = jax.jit(selu)
jitted = timeit('jitted selu', lambda: selu_jit(x).block_until_ready())

print(f'jitted selu takes {jitted / plain:.2f} of the time of plain selu')

# %% 4.2 In-Place Updates
#
# JAX arrays are immutable. In keeping with the functional programming paradigm, updates to array
# values at indices are done via JAX functions.

X = jnp.zeros((3,3))
try:
    X[0, :] = 1.
except Exception as e:
    print("Exception: {}".format(e))
print('\nX:\n', X, sep='')

Y = X.at[0, :].set(1.)
print('\nY:\n', Y, sep='')
