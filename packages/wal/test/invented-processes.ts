import type { Processes, Verdict } from '../src/index.ts'

/** A process of an invented machine: others see of it what `judge` says. It makes no signs. */
export function inventedProcess(pid: number, judge: (pid: number) => Verdict): Processes {
  return {
    self: () => ({ pid, bootId: 'invented', startTime: String(pid), namespaces: '' }),
    announce: async () => async () => {},
    judge: async (holder) => judge(holder.pid),
    answers: async () => false,
  }
}
