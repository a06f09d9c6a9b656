"""gunicorn: kernels are loaded once, before the workers fork, and shared by all of them."""

import detutils

bind = "127.0.0.1:8000"
workers = 2
threads = 2  # kernels run outside of Python's lock
preload_app = True
control_socket_disable = True  # a file of newer versions' own, which a read-only container has no place for


def on_starting(server: object) -> None:
    """In the first process, before it forks."""
    detutils.warmup("nms")
