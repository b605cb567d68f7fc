"""The studio: a page on this machine where pictures are chosen, painted and looked at.

`jnst studio` (module `command`) starts a server of Starlette and uvicorn, the extra `studio`, for
the static page in `page/`. A job is a child process that runs the command (`worker`) in a folder
of its own; these folders are the only state, so the server may be killed at any moment and started
again. Pictures are decoded in a child process with limits (`helper`), never in the server. Every
request passes `guard`, which refuses other hosts, other origins and writes without the page's own
header.
"""
