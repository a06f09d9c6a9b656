"""A service of non-maximum suppression: what any web server of Python's (WSGI) runs, gunicorn for one.

    gunicorn -c examples/deploy/gunicorn.conf.py --chdir examples/deploy app:app
    curl -d '{"boxes": [[0, 0, 10, 10], [1, 1, 10, 10]], "scores": [0.9, 0.8]}' http://127.0.0.1:8000/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import detutils

MOST = 16 << 20  # bytes of a request


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """``{"boxes", "scores", "iou_threshold"}`` in, ``{"keep"}`` out; 400 and one line for what is no such thing."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MOST:
            raise ValueError(f"a request has at most {MOST} bytes, this one {length}")
        request = json.loads(environ["wsgi.input"].read(length))
        keep = detutils.nms(request["boxes"], request["scores"], request.get("iou_threshold", 0.5))
        status, answer = "200 OK", {"keep": keep.tolist()}
    except (ValueError, TypeError, KeyError) as error:
        status, answer = "400 Bad Request", {"error": str(error)}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
