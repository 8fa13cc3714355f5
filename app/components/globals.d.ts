// What a script is given: by gr.HTML, and by `files.script` (its constants).
declare const element: HTMLElement;
declare const props: any;
declare function trigger(name: string, sent?: any): void;
declare function watch(name: string, heard: () => void): void;

declare const words: any, labels: any, criterion: any, titles: any, colours: any, plotlyFile: string;
declare const fates: string[], terms: any, skipped: string[], definition: string;
declare const here: any, there: any, usually: string, title: string, gradioNames: Record<string, string>;
declare const bibtex: string, usualEta: number, usualPlaces: Record<string, Record<string, any>>;
declare const header: string, ours: string[];

/** The one K of the page, of a run with that many layers; η, rule and K* as the workbench has them. */
interface HeldK { layers: number; k: number; eta?: number; rule?: string; star?: number }

interface Window {
  vtwK?: HeldK;
  /** A view that has arrived (share.js), until the part that it is for takes it. */
  vtwGo?: any;
  vtwBegun?: Set<string>;
  vtwPlotly?: Promise<any> | null;
  Plotly?: any;
}
