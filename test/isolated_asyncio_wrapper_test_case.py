"""The base class that Hummingbot's connector test mixins (`hummingbot.connector.test_support`) import from `test`."""
import asyncio
import unittest
from typing import Awaitable, TypeVar

Result = TypeVar("Result")


class IsolatedAsyncioWrapperTestCase(unittest.IsolatedAsyncioTestCase):
    """A test case with an event loop of its own that plain, not `async`, test methods can use as well.

    `local_event_loop` is that loop: the current one from `setUp` to the end of the clean-up.
    """

    local_event_loop: asyncio.AbstractEventLoop

    def setUp(self) -> None:
        super().setUp()
        # unittest makes the test's loop the current one just before it calls setUp
        self.local_event_loop = asyncio.get_event_loop()

    def run_async_with_timeout(self, coroutine: Awaitable[Result], timeout: float = 1.0) -> Result:
        """Run a coroutine on the test's loop from a plain test method.

        :param coroutine: what to run; in an `async` test method `await asyncio.wait_for(...)` does the same.
        :param timeout: s.
        :raises asyncio.TimeoutError: it took longer.
        """
        return self.local_event_loop.run_until_complete(asyncio.wait_for(coroutine, timeout))
