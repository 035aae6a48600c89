// In the left sidebar, the contents of the page stand below its name in the list of pages. Where
// this script does not run, they follow the list.
const current = document.querySelector(".bd-docs-nav a[aria-current=page]");
const contents = document.querySelector(".bd-sidebar-primary nav.page-toc");
if (current && contents) {
  const item = contents.parentElement;
  current.after(contents);
  item.remove();
}
