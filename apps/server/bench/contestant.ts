import { fork } from 'node:child_process'

/** What a contestant's process is asked. `settle`: return when everything acknowledged is where it belongs. */
export type Question = 'settle' | 'cpu'

/** A server in a process of its own, so that it does not share a core with the load. */
export interface Contestant {
  readonly port: number
  settle(): Promise<void>
  /** User and system time its process has used, ms. */
  cpuMs(): Promise<number>
  stop(): void
}

/** @param file beside this one; it calls {@link answerQuestions} once it listens */
export async function startContestant(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<Contestant> {
  const child = fork(new URL(file, import.meta.url), {
    execArgv: ['--conditions=@se/source'],
    env: { ...process.env, ...environment },
  })
  let waiting: { resolve(value: number): void; reject(error: Error): void } | undefined
  child.on('message', (value) => waiting?.resolve(value as number))
  child.on('exit', (code) => waiting?.reject(new Error(`${file} ended with exit code ${code}`)))
  const answer = () => new Promise<number>((resolve, reject) => (waiting = { resolve, reject }))
  const port = await answer()
  const ask = (question: Question) => {
    const answered = answer()
    child.send(question)
    return answered
  }
  return {
    port,
    async settle() {
      await ask('settle')
    },
    cpuMs: () => ask('cpu'),
    stop: () => void child.kill(),
  }
}

/** The contestant's side. */
export function answerQuestions(port: number, settle: () => Promise<unknown>): void {
  process.on('message', (question: Question) => {
    const { user, system } = process.cpuUsage()
    if (question === 'cpu') process.send!((user + system) / 1_000)
    else void settle().then(() => process.send!(0))
  })
  process.on('disconnect', () => process.exit())
  process.send!(port)
}
