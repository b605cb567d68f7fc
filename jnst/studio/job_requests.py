"""The requests about jobs: checks, the gallery, what is done with a job, and the news of all."""

import math
from collections.abc import Iterable
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from ..video.shot import FRAME_SHARE
from ..wording import duration_words, size_words
from .answers import Problem, answer, read_json
from .command_words import checked_words, config_for, file_words, idle_settings
from .job_view import details, view
from .jobs import QUEUED, RUNNING, Job
from .recipes import Recipe, read_recipe
from .state import Studio

_SHOWN, _MOST_SHOWN, _MOST_STEPS = 60, 200, 100_000


class JobRequests:
    """The answers to requests about jobs."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def check(self, request: Request) -> Response:
        """What is wrong with a recipe, what has no effect in it, and what it will take."""
        data = await read_json(request, *Recipe.__dataclass_fields__)
        result: dict[str, Any] = {"error": None, "field": None, "idle": {}, "estimate": None}
        try:
            recipe = read_recipe(data)
            result["idle"] = idle_settings(recipe)
            if recipe.content and recipe.styles:
                await self._words(recipe)
                result["estimate"] = await self._estimate(recipe)
        except Problem as problem:
            result |= {"error": problem.line, "field": problem.field}
        return answer(result)

    async def _words(self, recipe: Recipe) -> list[str]:
        """The command's words for a recipe, checked by the command; Problem 400 or 404."""
        if not recipe.content:
            raise Problem(400, "choose a photograph", "content")
        if not recipe.styles or not all(recipe.styles):
            raise Problem(400, "choose a painting", "styles")
        store = self._studio.store
        paths = {i: store.picture_path(i) for i in recipe.pictures}
        if any(store.picture(i)["kind"] == "clip" for i in recipe.pictures if i != recipe.content):
            raise Problem(400, "a film can be painted, but not painted from: choose a picture")
        is_film = store.picture(recipe.content)["kind"] == "clip"
        if is_film != (recipe.film is not None):
            raise Problem(400, "a film takes a clip, a painting a photograph", "content")
        files = file_words("jobs/new", recipe)
        return await anyio.to_thread.run_sync(checked_words, recipe, paths, files)

    async def _estimate(self, recipe: Recipe) -> dict[str, Any] | None:
        shapes = [
            [about["height"], about["width"]]
            for about in map(self._studio.store.picture, (recipe.content, *recipe.styles))  # type: ignore
        ]
        config, count = config_for(recipe), len(recipe.cells())
        plan = await self._studio.planner.ask(
            "estimate", config=config.to_dict(), content=shapes[0], styles=shapes[1:]
        )
        plan["seconds"] *= count if recipe.film is None else self._stills(recipe)
        words = f"about {duration_words(plan['seconds'])} and {size_words(plan['bytes'])} of memory"
        return plan | {"paintings": count, "words": words}

    def _stills(self, recipe: Recipe) -> float:
        """The work of a film as that of so many still pictures."""
        assert recipe.content
        film, clip = recipe.film or {}, self._studio.store.picture(recipe.content)
        seconds = min(film.get("end", math.inf), clip["seconds"]) - film.get("start", 0)
        share = max(0.0, seconds) / max(clip["seconds"], 1e-3)
        frames = max(1, round(share * clip["frames"] / film.get("every", 1)))
        if not film.get("temporal", 1):
            return frames
        return 1 + FRAME_SHARE * (frames * film.get("passes", 1) - 1)

    async def add(self, request: Request) -> Response:
        recipe = read_recipe(await read_json(request, *Recipe.__dataclass_fields__))
        await self._words(recipe)
        self._studio.store.check_room()
        return answer(self._job(self._studio.runner.add(recipe)), 201)

    async def gallery(self, request: Request) -> Response:
        """The gallery: newest first, as the query filters it."""
        query = request.query_params
        limit = query.get("limit", str(_SHOWN))
        if not limit.isdecimal() or not 1 <= len(limit) <= 4:
            raise Problem(400, f"limit is {limit[:40]!r}: give a number")
        jobs, text = self._newest(), query.get("q", "").lower()
        if before := query.get("before"):
            places = [place for place, job in enumerate(jobs) if job.id == before]
            jobs = jobs[places[0] + 1 :] if places else []
        found = [
            job
            for job in jobs
            if query.get("state", job.state) == job.state
            and query.get("preset", job.recipe.preset) == job.recipe.preset
            and (not text or text in job.names)
        ]
        shown = found[: min(int(limit), _MOST_SHOWN)]
        return answer({"jobs": list(map(self._job, shown)), "more": len(found) > len(shown)})

    def _newest(self) -> list[Job]:
        return sorted(self._studio.runner.jobs.values(), key=lambda job: -job.data["created"])

    async def job(self, request: Request) -> Response:
        job = self._studio.runner.job(request.path_params["id"])
        return answer(self._job(job) | await anyio.to_thread.run_sync(details, job))

    def _job(self, job: Job) -> dict[str, Any]:
        return view(job, self._studio.store) | {"changed": self._studio.hub.number}

    async def stop(self, request: Request) -> Response:
        job = self._studio.runner.job(request.path_params["id"])
        self._studio.runner.stop(job)
        return answer(self._job(job), 202)

    async def go_on(self, request: Request) -> Response:
        more = (await read_json(request, "more")).get("more") or 0
        job = self._studio.runner.job(request.path_params["id"])
        if isinstance(more, bool) or not isinstance(more, int) or not 0 <= more <= _MOST_STEPS:
            raise Problem(400, f"more steps: a whole number up to {_MOST_STEPS}", "steps")
        self._studio.store.check_room()
        return answer(self._job(self._studio.runner.go_on(job, more)))

    async def cancel(self, request: Request) -> Response:
        job = self._studio.runner.job(request.path_params["id"])
        if job.state not in (QUEUED, RUNNING):
            raise Problem(409, "this painting has ended: delete it instead")
        await self._studio.runner.cancel(job)
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        self._studio.runner.discard(self._studio.runner.job(request.path_params["id"]))
        return Response(status_code=204)

    async def restore(self, request: Request) -> Response:
        return answer(self._job(self._studio.runner.restore(request.path_params["id"])))

    async def arrange(self, request: Request) -> Response:
        """The order of the queue."""
        ids = (await read_json(request, "jobs")).get("jobs")
        if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
            raise Problem(400, "jobs is no list of ids")
        self._studio.runner.arrange(ids)
        return answer({"jobs": self._studio.runner.queue()})

    def news(self, changed: Iterable[str] | None) -> dict[str, Any]:
        """The data of an event: the jobs that changed, or all that a page shows at first."""
        jobs, gone = self._studio.runner.jobs, []
        if changed is None:
            ended = [job for job in self._newest() if job.state not in (QUEUED, RUNNING)]
            busy = [job for job in self._newest() if job.state in (QUEUED, RUNNING)]
            shown = [*busy, *ended[:_SHOWN]]
        else:
            gone = [identifier for identifier in changed if identifier not in jobs]
            shown = [jobs[identifier] for identifier in changed if identifier in jobs]
        return {
            "jobs": list(map(self._job, shown)),
            "gone": gone,
            "queue": self._studio.runner.queue(),
            "pictures": self._studio.store.version,
            "space": self._studio.store.space(),
        }
