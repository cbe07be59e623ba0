// citty decides on colours when it is loaded, and does not ask whether there is a terminal.
if (!process.stdout.isTTY || !process.stderr.isTTY) process.env['NO_COLOR'] = '1'

const { main } = await import('./cli.ts')
await main(process.argv.slice(2))

export {}
