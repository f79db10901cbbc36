"""Where the models are: entries of `model_list` resolved into deployments, and a connection to one of them."""

from __future__ import annotations

from telephony.upstream.deployment import Deployment, deployments, resolve
from telephony.upstream.pool import Upstream

__all__ = ["Deployment", "Upstream", "deployments", "resolve"]
