"""mujoco-mjx: rigid bodies."""

import jax
import jax.numpy as jnp
import mujoco
from mujoco import mjx

_PENDULUM = """
<mujoco><option timestep="0.01" iterations="4" ls_iterations="4"><flag eulerdamp="disable"/></option><worldbody>
<body pos="0 0 1"><joint name="a" type="hinge" axis="0 1 0" damping="0.1"/><geom type="capsule" size="0.05" fromto="0 0 0 0 0 -0.5"/>
<body pos="0 0 -0.5"><joint name="b" type="hinge" axis="0 1 0"/><geom type="capsule" size="0.04" fromto="0 0 0 0 0 -0.4"/></body></body>
</worldbody><actuator><motor joint="a" gear="1"/></actuator></mujoco>"""
_BALL = """
<mujoco><option timestep="0.005" iterations="2" ls_iterations="4"/><worldbody><geom type="plane" size="2 2 0.1"/>
<body pos="0 0 0.15"><freejoint/><geom type="sphere" size="0.1" mass="1"/></body></worldbody></mujoco>"""


def _made(text):
    model = mujoco.MjModel.from_xml_string(text)
    return mjx.put_model(model), mjx.make_data(model)


def quick_start():
    model, data = _made(_PENDULUM)
    data = data.replace(qpos=jnp.array([0.5, -0.3]))
    step = jax.jit(mjx.step)
    for _ in range(10):
        data = step(model, data)
    return data.qpos, data.qvel


def contacts():
    model, data = _made(_BALL)
    step = jax.jit(mjx.step)
    for _ in range(20):
        data = step(model, data)
    return data.qpos, data.qvel


def many_at_once():
    model, data = _made(_PENDULUM)

    def run(angle):
        first = data.replace(qpos=jnp.array([angle, 0.0]), ctrl=jnp.array([0.1]))
        return jax.lax.scan(lambda d, _: (mjx.step(model, d), d.qpos), first, None, length=5)[1]

    return jax.jit(jax.vmap(run))(jnp.linspace(-1, 1, 4))


def kinematics():
    model, data = _made(_PENDULUM)
    data = jax.jit(mjx.forward)(model, data.replace(qpos=jnp.array([0.2, 0.4]), qvel=jnp.array([1.0, -1.0])))
    return data.xpos, data.qacc, mjx.full_m(model, data)
