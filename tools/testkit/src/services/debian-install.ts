import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findBinary } from './find-binary.ts'

/** Installation may wait for another process' installation and for a slow mirror; after this it is given up. */
const INSTALL_WITHIN_MS = 15 * 60_000

/**
 * Installs packages under a lock that the kernel lets go of when the holder dies, without starting their services.
 *
 * The policy file is how Debian is told not to start a service it installs. If one is there that refuses already, it
 * stays as it is; another one is put aside and put back at the end, or at the next installation if this one is killed.
 * Arguments: the policy file, then the packages.
 */
const INSTALL_SCRIPT = `
set -eu
policy=$1
shift
kept=$policy.se-testkit-kept
mark='# se-testkit: no service starts while test servers are installed'
restore() {
  if [ -e "$policy" ] && grep -qF "$mark" "$policy"; then rm -f "$policy"; fi
  if [ -e "$kept" ]; then mv -f "$kept" "$policy"; fi
}
trap restore EXIT
trap 'exit 130' HUP INT TERM
restore
refuses() { [ -x "$policy" ] && { status=0; "$policy" se-testkit start >/dev/null 2>&1 || status=$?; [ "$status" -eq 101 ]; }; }
if ! refuses; then
  if [ -e "$policy" ]; then mv -f "$policy" "$kept"; fi
  printf '#!/bin/sh\\n%s\\nexit 101\\n' "$mark" > "$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
missing=
for package in "$@"; do
  if ! dpkg-query -W -f='\${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then missing="$missing $package"; fi
done
[ -n "$missing" ] || exit 0
apt-get update
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 $missing
`

/** Where the system keeps what an installation needs; tests put them elsewhere. */
export interface InstallPlaces {
  readonly policyFile: string
  readonly lockFile: string
}

const SYSTEM_PLACES: InstallPlaces = {
  policyFile: '/usr/sbin/policy-rc.d',
  lockFile: '/run/lock/se-testkit-install.lock',
}

/** Why packages cannot be installed here, or undefined when they can. */
export function whyNotInstallable(): string | undefined {
  if (process.env['SE_NO_INSTALL'] === '1') return 'SE_NO_INSTALL=1 forbids installing'
  if (
    process.platform !== 'linux' ||
    !existsSync('/etc/debian_version') ||
    findBinary('apt-get') === undefined
  ) {
    return 'not a Debian system'
  }
  if (process.getuid?.() !== 0) return 'not root, cannot install'
  if (findBinary('flock') === undefined) return 'no flock (package util-linux), cannot install safely'
  return undefined
}

/**
 * Installs Debian packages; processes that do so at the same time wait for each other, and the later one finds the work done.
 *
 * @param print gets the command before it runs
 * @returns undefined, or the end of apt's output when it failed
 */
export async function installDebianPackages(
  packages: readonly string[],
  print: (line: string) => void,
  places: InstallPlaces = SYSTEM_PLACES,
): Promise<string | undefined> {
  print(`test servers: apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`)
  const child = spawn(
    'flock',
    ['--no-fork', places.lockFile, 'sh', '-c', INSTALL_SCRIPT, 'se-testkit', places.policyFile, ...packages],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_WITHIN_MS,
    },
  )
  let output = ''
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-4_000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message)
    })
    child.once('close', (code, signal) => {
      resolve(code === 0 ? undefined : `apt-get ended with ${code ?? signal}: ${output.trim().slice(-1_000)}`)
    })
  })
}
