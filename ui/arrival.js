// arrival.js: where one is. On a narrow screen the menu closes once a page is chosen; what is new on a page is seen from its top.

const NARROW = 768; // pixels, from which on Streamlit lays the menu over the page
let place;

const fold = (event) => {
  if (innerWidth > NARROW || !event.target.closest("a")) return;
  document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
};

export default function ({ data }) {
  if (place !== undefined && place !== data.place) document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 });
  place = data.place;
  const menu = document.querySelector("[data-testid=stSidebar]");
  menu?.addEventListener("click", fold);
  return () => menu?.removeEventListener("click", fold);
}
