// @ts-check
// What goes on as long as the page is open.
import { onceOnPage } from './base.js';
import { letFingersScroll } from './fingers.js';
import { askInOrder } from './in_order.js';

onceOnPage('in order', askInOrder);
onceOnPage('fingers', letFingersScroll);
