/**
 * Which options of a caller's ioredis client the cache can live with. Every option that ioredis knows is here, so a new one
 * has to be thought about; a test compares the list with the client's own.
 */
import type { Cluster, Redis } from 'ioredis'

/** Why a value of an option is refused; `undefined`: it is fine. */
type Rule = (value: unknown) => string | undefined

const fine: Rule = () => undefined
const refuseIf =
  (isWrong: (value: unknown) => boolean, because: string): Rule =>
  (value) =>
    isWrong(value) ? because : undefined

const isOn = (value: unknown) => value === true || (typeof value === 'string' && value !== '')
const noKeyPrefix = refuseIf(isOn, 'must be empty: it would come before every key; use the option prefix')
const noMonitor = refuseIf(isOn, 'must be false: a client that monitors carries no commands')
const noStringNumbers = refuseIf(isOn, 'must be false: numbers in answers are read as numbers')

/** Options of a `Redis`, and of the nodes of a `Cluster`. */
export const REDIS_OPTIONS: Readonly<Record<string, Rule>> = {
  keyPrefix: noKeyPrefix,
  monitor: noMonitor,
  stringNumbers: noStringNumbers,
  readOnly: refuseIf(isOn, 'must be false: a replica is behind, and takes no writes'),
  role: refuseIf((value) => value === 'slave', "must be 'master': a replica is behind, and takes no writes"),
  preferredSlaves: fine,
  // Where it connects to, and as whom.
  ...allFine(
    'host port path family username password db tls sentinels name sentinelUsername sentinelPassword sentinelTLS ' +
      'enableTLSForSentinelMode natMap updateSentinels sentinelMaxConnections failoverDetector Connector',
  ),
  // How long it waits, and how often it tries. Each call has a bound of its own all the same.
  ...allFine(
    'connectTimeout disconnectTimeout commandTimeout socketTimeout blockingTimeout blockingTimeoutGrace keepAlive noDelay ' +
      'retryStrategy sentinelRetryStrategy sentinelReconnectStrategy sentinelCommandTimeout reconnectOnError ' +
      'maxRetriesPerRequest maxLoadingRetryTime enableReadyCheck lazyConnect',
  ),
  // Commands that wait, or are sent again: a late command changes nothing that was changed meanwhile.
  ...allFine('enableOfflineQueue offlineQueue commandQueue autoResendUnfulfilledCommands autoResubscribe'),
  // A single server may be asked for several keys at once, so commands may be gathered.
  ...allFine('enableAutoPipelining autoPipeliningIgnoredCommands'),
  // Form of answers that are not asked for here, names, scripts of the caller's own.
  ...allFine(
    'protocol replyMapping connectionName disableClientInfo clientInfoTag scripts himportFieldsets showFriendlyErrorStack',
  ),
}

/** Options of a `Cluster` itself. */
export const CLUSTER_OPTIONS: Readonly<Record<string, Rule>> = {
  keyPrefix: noKeyPrefix,
  enableAutoPipelining: refuseIf(
    isOn,
    'must be false on a Cluster: it gathers commands of several slots into one call, which fails whole',
  ),
  scaleReads: refuseIf(
    (value) => value !== undefined && value !== 'master',
    "must be 'master': a replica is behind",
  ),
  maxRedirections: refuseIf(
    (value) => typeof value === 'number' && value < 1,
    'must be at least 1: slots move',
  ),
  ...allFine(
    'clusterRetryStrategy clusterNodeRetryStrategy enableOfflineQueue enableReadyCheck retryDelayOnMoved retryDelayOnFailover ' +
      'retryDelayOnClusterDown retryDelayOnTryAgain slotsRefreshTimeout slotsRefreshInterval useSRVRecords resolveSrv dnsLookup ' +
      'natMap autoPipeliningIgnoredCommands shardedSubscribers lazyConnect scripts himportFieldsets showFriendlyErrorStack',
  ),
}

/** Options that mean something else for the nodes of a Cluster. */
const NODE_OPTIONS: Readonly<Record<string, Rule>> = {
  ...REDIS_OPTIONS,
  db: refuseIf(
    (value) => value !== undefined && Number(value) !== 0,
    'must be 0: a Cluster has one database',
  ),
}

/** Why a client cannot serve, as `options.name must …`; `undefined`: it can. */
export function refusalOfClient(client: Redis | Cluster): string | undefined {
  if (!isClient(client)) return 'must be a Redis or a Cluster of ioredis'
  if (!client.isCluster) {
    const { mode, options } = client as Redis
    if (mode !== 'normal') return `must carry commands, not be in ${mode} mode`
    return refusalOf('options', options, REDIS_OPTIONS)
  }
  const options = client.options as { redisOptions?: object | undefined }
  return (
    refusalOf('options', options, CLUSTER_OPTIONS) ??
    refusalOf('options.redisOptions', options.redisOptions ?? {}, NODE_OPTIONS)
  )
}

function refusalOf(path: string, options: object, rules: Readonly<Record<string, Rule>>): string | undefined {
  for (const [name, value] of Object.entries(options)) {
    const because = Object.hasOwn(rules, name) ? rules[name]!(value) : undefined
    if (because !== undefined) return `${path}.${name} ${because}`
  }
  return undefined
}

/** Clients of several copies of ioredis may meet in a process, so it is not asked which class it is. */
function isClient(client: unknown): client is Redis | Cluster {
  const { defineCommand, isCluster, options } = client as Record<string, unknown>
  return typeof defineCommand === 'function' && typeof isCluster === 'boolean' && typeof options === 'object'
}

function allFine(names: string): Record<string, Rule> {
  return Object.fromEntries(names.split(' ').map((name) => [name, fine]))
}
