/* Before/after slider: the value of the range moves the divider. Arrow keys, Home and End work because it is a real range. */

function follow(range) {
  const share = (range.value - range.min) / (range.max - range.min);
  range.parentElement.style.setProperty("--split", `${share * 100}%`);
}

document.addEventListener("input", (event) => {
  if (event.target.matches(".compare > input[type=range]")) follow(event.target);
});

for (const range of document.querySelectorAll(".compare > input[type=range]")) follow(range);
