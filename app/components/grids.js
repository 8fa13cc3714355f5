// @ts-check
// Pictures under grids of patches: `images` tells of each grid which picture it is of, `pictures` is
// an address of each.
import { fill, make } from './base.js';
import { clamp } from './numbers.js';

/** Keys -> one cell down and right. @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** @typedef {{images: number[], pictures: string[]}} Pictured */

/** How many pictures there are grids of. @param {Pictured} view */
export const imageCount = (view) => new Set(view.images).size;

/**
 * The picture behind a grid. It lies behind the first of its grids: behind the overview, not behind
 * the tiles.
 * @param {Pictured} view @param {number} grid
 */
export function pictureOf(view, grid) {
  const isFirst = view.images.indexOf(view.images[grid]) === grid;
  return isFirst && view.pictures.length ? view.pictures[view.images[grid]] : null;
}

/** A frame for one grid, with its picture and, among several, its name. @param {Pictured} view @param {number} grid @param {number} rows @param {number} cols */
export function makePanel(view, grid, rows, cols) {
  const panel = make('div', 'panel');
  panel.dataset.grid = grid;
  panel.style.aspectRatio = `${cols} / ${rows}`;
  const picture = pictureOf(view, grid);
  if (picture) {
    const image = make('img');
    image.alt = '';
    image.src = picture;
    panel.append(image);
  }
  return panel;
}
/** @param {Pictured} view @param {number} grid */
export function makePanelName(view, grid) {
  const template = imageCount(view) > 1 ? words.gridOfImage : words.grid;
  return make('span', 'panel-name', fill(template, { grid, image: view.images[grid] + 1 }));
}

/** The cell of a panel under a pointer. @param {MouseEvent} event @param {Element} panel @param {number} rows @param {number} cols */
export function cellUnder(event, panel, rows, cols) {
  const box = panel.getBoundingClientRect();
  const within = (/** @type {number} */ share, /** @type {number} */ count) => clamp(Math.floor(share * count), 0, count - 1);
  return {
    row: within((event.clientY - box.top) / box.height, rows),
    col: within((event.clientX - box.left) / box.width, cols),
  };
}

/**
 * Where each token lies in a grid; a merged window is a rectangle.
 * @param {number[][]} tokens of each patch, -1 for none
 */
export function boxesOf(tokens) {
  /** @type {Map<number, {row: number, col: number, bottom: number, right: number}>} */
  const boxes = new Map();
  tokens.forEach((line, row) => line.forEach((token, col) => {
    if (token < 0) return;
    const box = boxes.get(token) || { row, col, bottom: row, right: col };
    boxes.set(token, { ...box, bottom: Math.max(box.bottom, row), right: Math.max(box.right, col) });
  }));
  return boxes;
}
