"""A person who uses a page by Tab, Enter and typing, and sees at each step where the focus is."""

from dataclasses import dataclass
from typing import Any, Final

from tests_slow.browser.chromium import SHIFT, Page

MAX_STOPS: Final = 500
# The focused element: whether it is the one looked for, how it shows, and whether the focus went back.
# What is hidden is given a second, as a layout may be under way.
FOCUS: Final = """
(async (selector, direction) => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const isUppermost = () => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const middle = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    const uppermost = document.elementFromPoint((left + right) / 2, middle);
    return !!uppermost && (element.contains(uppermost) || uppermost.contains(element));
  };
  for (let frame = 0; frame < 60 && !isUppermost(); frame++) await new Promise(requestAnimationFrame);
  const before = window.focusedBefore;
  window.focusedBefore = element;
  const isComparable = before?.isConnected && before.closest("dialog") === element.closest("dialog");
  const [from, to] = [before?.getBoundingClientRect(), element.getBoundingClientRect()];
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return {
    element: element.outerHTML.slice(0, 150),
    isFound: element.matches(selector),
    hasOutline: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    isSeen: isUppermost(),
    wentBack: !!isComparable && (direction > 0 ? to.bottom <= from.top : to.top >= from.bottom),
  };
})
"""


@dataclass(frozen=True, slots=True)
class Keyboard:
    """The keyboard of a page."""

    page: Page

    async def tab_to(self, selector: str, *, back: bool = False) -> None:
        """
        Press Tab, or Shift+Tab, until an element that matches has the focus.

        Raises AssertionError if the focus is invisible or out of order on the way.
        """
        for _ in range(MAX_STOPS):
            await self.page.press("Tab", SHIFT if back else 0)
            focus = await self._focus(selector, back=back)
            assert focus is not None, f"{selector} is not reached"
            assert focus["hasOutline"], focus
            assert focus["isSeen"], focus
            assert not focus["wentBack"], focus
            if focus["isFound"]:
                return
        raise AssertionError(f"{selector} is not reached: {focus}")

    async def stops(self) -> list[str]:
        """Press Tab from the first element to the last; return the elements that have the focus."""
        elements: list[str] = []
        for _ in range(MAX_STOPS):
            await self.page.press("Tab")
            focus = await self._focus("*")
            if focus is None or (elements and focus["wentBack"]):
                return elements
            assert focus["hasOutline"], focus
            assert focus["isSeen"], focus
            elements.append(focus["element"])
        raise AssertionError(f"the focus is trapped: {elements[-3:]}")

    async def stop(self) -> str | None:
        """Press Tab, and return the element that has the focus; None if it has left the page."""
        await self.page.press("Tab")
        focus = await self._focus("*")
        return None if focus is None else str(focus["element"])

    async def is_on(self, selector: str) -> bool:
        """Return whether an element that matches has the focus."""
        found: bool = await self.page.run(f"document.activeElement.matches({selector!r})")
        return found

    async def enter(self) -> None:
        """Press Enter."""
        await self.page.press("Enter")

    async def fill(self, selector: str, text: str) -> None:
        """Go to a field, and type a text over what it has."""
        await self.tab_to(selector)
        await self.page.type(text)

    async def _focus(self, selector: str, *, back: bool = False) -> dict[str, Any] | None:
        direction = -1 if back else 1
        focus: dict[str, Any] | None = await self.page.run(f"{FOCUS}({selector!r}, {direction})")
        return focus
