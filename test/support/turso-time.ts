/** Time that passes only while somebody sleeps. Several sleepers at once make it pass faster, which no test minds. */
export function createTestTime() {
  let nowMs = Date.parse("2027-01-01T00:00:00Z");
  const slept: number[] = [];
  return {
    /** For the provider's options. */
    time: {
      clock: () => new Date(nowMs),
      sleep: (ms: number) => {
        slept.push(ms);
        nowMs += ms;
        return Promise.resolve();
      },
      random: () => 0.5,
    },
    /** Every sleep so far, in milliseconds. */
    slept,
  };
}
