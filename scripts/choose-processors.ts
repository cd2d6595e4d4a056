/** The numbers in a list of processors as Linux writes it, such as `0-3,8`. */
function parseProcessors(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    if (!Number.isInteger(first) || !Number.isInteger(last)) return [];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * The words before a command that is to have only the upper half of the processors, with all that it starts; none where there is but one.
 * @param status what /proc/self/status says, from which comes which processors this process may use
 */
export function chooseProcessors(status: string): string[] {
  const all = parseProcessors(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "");
  const half = all.slice(Math.ceil(all.length / 2));
  return half.length === 0 ? [] : ["taskset", "--cpu-list", half.join(",")];
}
