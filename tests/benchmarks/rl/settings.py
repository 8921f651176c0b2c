"""What is compared: the tasks, and each side's hyperparameters."""

from __future__ import annotations

#: threshold: mean return of a greedy evaluation that counts as solved; every: environment steps
#: between evaluations; peer_cap: environment steps after which a run of the peer is given up.
TASKS = {
    "CartPole-v1": {"threshold": 475.0, "every": 1_000, "peer_cap": 45_200},
    "Pendulum-v1": {"threshold": -200.0, "every": 5_000, "peer_cap": 254_000},
    "Acrobot-v1": {"threshold": -100.0, "every": 5_000, "peer_cap": 90_000},
    "MountainCarContinuous-v0": {"threshold": 90.0, "every": 5_000, "peer_cap": 300_000},
}

#: Solved: this many evaluations in a row, of this many episodes each.
IN_A_ROW, EPISODES = 3, 20

#: natfit may use this many times the peer's median steps.
CAP_RATIO = 4

#: The RL zoo's hyperparameters, those of its "# Tuned" entries, "normalize" included:
#: https://github.com/DLR-RM/rl-baselines3-zoo/blob/master/hyperparams/trpo.yml
#: (as at commit 13a3fe74510342bc368b09d459d8117e470ab620). What is not listed is sb3-contrib's
#: default. The zoo tuned them with n_envs = ZOO_ENVS; PEER_ENVS is what runs unless --peer-envs
#: says otherwise, with n_steps (per environment) shortened so that a batch is as large as the
#: zoo's, which is fastest for the peer; --listed-n-steps takes n_steps as listed.
PEER = {
    "CartPole-v1": {
        "n_steps": 512,
        "batch_size": 512,
        "cg_damping": 1e-3,
        "gae_lambda": 0.98,
        "gamma": 0.99,
        "learning_rate": 1e-3,
        "n_critic_updates": 20,
    },
    "Pendulum-v1": {
        "n_steps": 1024,
        "gamma": 0.9,
        "n_critic_updates": 15,
        "use_sde": True,
        "sde_sample_freq": 4,
    },
    "Acrobot-v1": {"normalize": True, "n_steps": 1024},
    "MountainCarContinuous-v0": {
        "normalize": True,
        # sb3-contrib's default, not in the zoo's entry.
        "n_steps": 2048,
        "use_sde": True,
        "sde_sample_freq": 4,
    },
}
PEER_ENVS, ZOO_ENVS = 8, 2

#: Arguments of NaturalPolicyEstimator, the seed and the caps apart.
NATFIT = {
    # The defaults of the estimator.
    "CartPole-v1": {},
    "Pendulum-v1": {"discount": 0.95, "batch_size": 2048, "n_envs": 16},
    "Acrobot-v1": {
        "gae_lambda": 0.98,
        "normalize_observations": False,
        "damping__strength": 0.1,
    },
    "MountainCarContinuous-v0": {"batch_size": 2048, "init_std": 3.0},
}

#: PPO of stable-baselines3 at the RL zoo's hyperparameters, as listed and with its own n_envs:
#: https://github.com/DLR-RM/rl-baselines3-zoo/blob/master/hyperparams/ppo.yml
#: (as at commit 00128b5d46d497b772f3bd891ae9f520919e8971). ``n_timesteps`` is the zoo's budget, at
#: which a run is given up; "lin_0.001" falls linearly to 0 over it.
PEER_PPO = {
    "CartPole-v1": {
        "n_timesteps": 100_000,
        "n_envs": 8,
        "n_steps": 32,
        "batch_size": 256,
        "gae_lambda": 0.8,
        "gamma": 0.98,
        "n_epochs": 20,
        "ent_coef": 0.0,
        "learning_rate": "lin_0.001",
        "clip_range": "lin_0.2",
    },
    "Pendulum-v1": {
        "n_timesteps": 100_000,
        "n_envs": 4,
        "n_steps": 1024,
        "gae_lambda": 0.95,
        "gamma": 0.9,
        "n_epochs": 10,
        "ent_coef": 0.0,
        "learning_rate": 1e-3,
        "clip_range": 0.2,
        "use_sde": True,
        "sde_sample_freq": 4,
    },
    "Acrobot-v1": {
        "n_timesteps": 1_000_000,
        "normalize": True,
        "n_envs": 16,
        "n_steps": 256,
        "gae_lambda": 0.94,
        "gamma": 0.99,
        "n_epochs": 4,
        "ent_coef": 0.0,
    },
}

#: Arguments of ``NaturalPolicyEstimator.preset("ppo")``, the seed and the caps apart. Pendulum has
#: the discount and the number of episodes that TRPO has above.
NATFIT_PPO = {
    "CartPole-v1": {},
    "Pendulum-v1": {"discount": 0.95, "batch_size": 2048, "n_envs": 16},
    "Acrobot-v1": {"gae_lambda": 0.98, "normalize_observations": False},
}

#: Throughput on CartPole-v1: hidden layers, and how many times the peer's steps/s are wanted.
NETS = {"linear": ((), 5.0), "2x32": ((32, 32), 5.0), "64x64": ((64, 64), 4.0)}
BATCH, ENVS = 1024, 8

#: Built-in CartPole-v1, linear policy, so many environments: steps/s wanted.
WIDE_ENVS, WIDE_RATE = 64, 300_000.0

#: One update of the 64x64 policy on a batch, so many CG iterations: milliseconds wanted.
CG_ITERATIONS, UPDATE_MS = 15, 25.0
