// Run the peer in one mode and print one line of JSON: see benchmarks/ours.py, which does the same.
'use strict'

const fs = require('fs')
const http = require('http')

const options = JSON.parse(process.argv[2])
const fetchPath = require.resolve('cross-fetch')
const real = require(fetchPath)
const sent = []
const agent = new http.Agent({ keepAlive: true, maxSockets: 200 })

// the peer hands over a Request object
async function fetch(request, init) {
  if (options.record) sent.push({ url: request.url, body: await request.clone().text() })
  if (!options.sink) {
    return new real.Response('{}', { status: 200, headers: { 'content-type': 'application/json' } })
  }
  const target = request.url.replace('https://track.customer.io', options.sink)
  return real(new real.Request(target, request), { ...init, agent })
}
for (const key of Object.keys(real)) fetch[key] = real[key]
fetch.default = fetch
fetch.fetch = fetch
// replaced before anything of the peer is required
require.cache[fetchPath].exports = fetch

const { Destination } = require('@segment/actions-core')
const definition = require('@segment/action-destinations/dist/destinations/customerio').default

const subscriptions = definition.presets
  .filter((preset) => preset.type === 'automatic')
  .map(({ name, partnerAction, subscribe, mapping }) => ({ name, partnerAction, subscribe, mapping }))

const credentials = { siteId: 'site', apiKey: 'key', accountRegion: 'US 🇺🇸' }
const breathe = () => new Promise((resolve) => setImmediate(resolve))

async function single(destination, events, settings) {
  let since = 0
  for (const event of events) {
    await destination.onEvent(event, settings)
    if (++since === 5) {
      since = 0
      await breathe()
    }
  }
}

async function together(items, limit, run) {
  let next = 0
  const worker = async () => {
    while (next < items.length) await run(items[next++])
  }
  await Promise.all(Array.from({ length: limit }, worker))
}

async function pass(destination, events, settings) {
  if (options.mode === 'single' && !options.sink) return single(destination, events, settings)
  if (options.mode === 'single') {
    return together(events, 50, (event) => destination.onEvent(event, settings))
  }
  const batches = []
  for (let i = 0; i < events.length; i += 100) batches.push(events.slice(i, i + 100))
  return together(batches, options.sink ? 8 : 1, async (batch) => {
    await destination.onBatch(batch, settings)
    await breathe()
  })
}

async function main() {
  if (options.mode === 'subscriptions') return { subscriptions }
  let events = fs.readFileSync(options.events, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  let chosen = subscriptions
  if (options.mode === 'batch') {
    chosen = subscriptions.filter((one) => one.name === 'Track Event')
    events = events.filter((event) => event.type === 'track' && event.event !== 'Application Opened')
  }
  if (options.first) events = events.slice(0, options.first)
  const destination = new Destination(definition)
  const settings = { ...credentials, subscriptions: chosen }
  await pass(destination, events, settings)
  if (options.record) return { sent }
  let count = 0
  const spent = process.cpuUsage()
  const started = process.hrtime.bigint()
  const until = started + BigInt(Math.round(options.seconds * 1e9))
  while (process.hrtime.bigint() < until) {
    await pass(destination, events, settings)
    count += events.length
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  const { user, system } = process.cpuUsage(spent)
  const rss = process.memoryUsage().rss
  return { microseconds: (seconds * 1e6) / count, cpu: (user + system) / count, rss }
}

main().then(
  (result) => {
    fs.writeSync(1, JSON.stringify(result) + '\n')
    process.exit(0)
  },
  (error) => {
    console.error(error)
    process.exit(1)
  }
)
