/** By it layouts, which see no more than their own part of a path, know where somebody wanted to go. Set for each page, whatever the browser sent. */
export const pathHeader = "x-pilothouse-path";
