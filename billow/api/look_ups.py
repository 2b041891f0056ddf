"""Look up keys that this process does not remember in the database, many at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from billow.core.errors import Unavailable
from billow.store.keys import Key, Keys

SECONDS = 1.5
"""How long the database may take to answer."""


class LookUps:
    """Looks up in a thread of its own. Keys that arrive during a query go into the next one together."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._waiting: dict[str, asyncio.Future[Key | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, mark: str) -> Key | None:
        """Return the key with this digest, as the database has it now."""
        found = self._waiting.get(mark)
        if found is None:
            found = self._waiting[mark] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        try:
            return await asyncio.wait_for(asyncio.shield(found), SECONDS)
        except TimeoutError:
            raise Unavailable("the database did not say in time whose a key is") from None

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                found = await loop.run_in_executor(self._thread, self._keys.look_up, [*batch])
            except Exception as error:
                for future in batch.values():
                    future.set_exception(error)
                    future.exception()  # else asyncio logs it where nobody waits any more
            else:
                for mark, future in batch.items():
                    future.set_result(found.get(mark))
        self._asking = None
