/** The value of a series in Prometheus' text format, as its line begins; undefined when there is none. */
export function numberIn(text: string, series: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
