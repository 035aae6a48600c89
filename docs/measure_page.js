// What test_layout.py measures on a page: it calls measurePage(theme) in the page itself.
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
  return [...frame.querySelectorAll("*:not(pre *)")]
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
  const lines = [];
  const newLine = () => lines.push({ text: "", rects: [], printed: false });
  const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  newLine();
  while (texts.nextNode()) {
    const node = texts.currentNode;
    // Spaces where a line wraps may hang over the edge, so words alone are measured.
    for (const { 0: word, index } of node.data.matchAll(/\n|\S+/g)) {
      if (word === "\n") {
        newLine();
        continue;
      }
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      lines.at(-1).text += `${word} `;
      lines.at(-1).rects.push(...range.getClientRects());
      lines.at(-1).printed = node.parentElement.closest(".go, .sphx-glr-script-out") !== null;
    }
  }
  return lines
    .filter((line) => line.text)
    .map(({ text, rects, printed }) => ({
      text,
      printed,
      beyond: Math.max(...rects.map((rect) => rect.right)) > edge + 1,
      wrapped: rects.at(-1).top - rects[0].top > parseFloat(style.fontSize) / 2,
    }));
}

/** The measures of the page, in the light or in the dark theme. */
globalThis.measurePage = (theme) => {
  document.documentElement.dataset.theme = theme;
  const article = document.querySelector(".bd-article-container");
  const sidebars = [...document.querySelectorAll(".bd-sidebar-primary, .bd-sidebar-secondary")];
  const header = document.querySelector(".bd-header");
  const lines = [...article.querySelectorAll("pre")].flatMap(codeLines);
  return {
    width: document.documentElement.scrollWidth,
    header: header.getBoundingClientRect().height,
    sidebars: sidebars.filter((sidebar) => sidebar.getBoundingClientRect().width > 0).length,
    navigation: [...document.querySelectorAll(".bd-docs-nav a")].map((link) => link.pathname),
    sticking_out: [
      ...stickingOut(article, scrollsInside),
      ...[header, ...sidebars].flatMap((frame) => stickingOut(frame, () => false)),
    ],
    lines: lines.length,
    beyond: lines.filter((line) => line.beyond),
    wrapped: lines.filter((line) => line.wrapped),
  };
};
