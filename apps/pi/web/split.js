"use strict";

// The line between before and after, which follows the pointer and the keys. Calls `moved` with each new share of the view.
class SplitLine {
  share = 0.5;

  constructor({ view, line, before, after, moved }) {
    Object.assign(this, { line, before, after, moved });
    const follow = (event) => this.move((event.clientX - view.getBoundingClientRect().left) / view.clientWidth);
    view.addEventListener("pointerdown", (event) => { view.setPointerCapture(event.pointerId); follow(event); });
    view.addEventListener("pointermove", (event) => { if (view.hasPointerCapture(event.pointerId)) follow(event); });
    line.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.05, ArrowRight: 0.05, Home: -1, End: 1 }[event.key];
      if (step) { event.preventDefault(); this.move(this.share + step); }
    });
  }

  move(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.line.style.left = `${this.share * 100}%`;
    this.line.setAttribute("aria-valuenow", Math.round(this.share * 100));
    this.before.hidden = this.share < 0.12;
    this.after.hidden = this.share > 0.88;
    this.moved(this.share);
  }
}
