// What test_site.py measures on a page: measurePage(theme) is called in the page itself.
"use strict";

/** Whether a container between an element and the article scrolls by itself. */
function scrollsInside(element, article) {
  for (let parent = element.parentElement; parent !== article; parent = parent.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(parent).overflowX)) return true;
  }
  return false;
}

/** The elements inside a frame that reach beyond its left or right edge, in words. */
function stickingOut(frame, mayStickOut) {
  const edge = frame.getBoundingClientRect();
  return [...frame.querySelectorAll("*")]
    .filter((element) => {
      const box = element.getBoundingClientRect();
      const beyond = box.right > edge.right + 1 || box.left < edge.left - 1;
      return box.width > 0 && beyond && !mayStickOut(element, frame);
    })
    .map((element) => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
}

/** The lines of a block of code: their text, and whether they wrap or reach beyond its edge. */
function codeLines(block) {
  const style = getComputedStyle(block);
  const left = block.getBoundingClientRect().left + block.clientLeft;
  const edge = left + block.clientWidth - parseFloat(style.paddingRight);
  const lines = [{ text: "", rects: [] }];
  const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    let start = 0;
    for (const [i, part] of texts.currentNode.data.split("\n").entries()) {
      if (i > 0) lines.push({ text: "", rects: [] });
      if (part) {
        range.setStart(texts.currentNode, start);
        range.setEnd(texts.currentNode, start + part.length);
        lines.at(-1).text += part;
        lines.at(-1).rects.push(...range.getClientRects());
      }
      start += part.length + 1;
    }
  }
  return lines
    .filter((line) => line.text.trim())
    .map(({ text, rects }) => {
      const tops = rects.map((rect) => rect.top);
      return {
        text,
        beyond: Math.max(...rects.map((rect) => rect.right)) > edge + 1,
        wrapped: Math.max(...tops) - Math.min(...tops) > parseFloat(style.fontSize) / 2,
      };
    });
}

/** The measures of the page, in the light or in the dark theme. */
globalThis.measurePage = (theme) => {
  document.documentElement.dataset.theme = theme;
  const article = document.querySelector(".bd-article") ?? document.querySelector(".bd-content");
  const frames = [...document.querySelectorAll(".bd-header, .bd-sidebar")];
  const lines = [...article.querySelectorAll("pre")].flatMap(codeLines);
  return {
    width: document.documentElement.scrollWidth,
    sticking_out: stickingOut(article, scrollsInside),
    cut: frames.flatMap((frame) => stickingOut(frame, () => false)),
    n_lines: lines.length,
    beyond: lines.filter((line) => line.beyond).map((line) => line.text),
    wrapped: lines.filter((line) => line.wrapped).map((line) => line.text),
  };
};
