"""The services, in order; each has its health check, its bulkhead and its circuit breaker."""

from ..chassis.declarations import Service
from .records import Records

SERVICES: tuple[type[Service], ...] = (Records,)
