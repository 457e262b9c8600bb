// Answer vectors' inputs as the hosted engine's open half does: a line {kind, input} in, a line {expect} or {error} out.
// Argument: the folder in whose node_modules the peer is installed.
'use strict'

const path = require('path')
const { createRequire } = require('module')
const need = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'))

// --- the world: clock, timers, time zone, network ---------------------------------------------------------

const RealDate = Date
let frozen = null
class FrozenDate extends RealDate {
  constructor(...args) {
    if (args.length === 0 && frozen !== null) super(frozen)
    else super(...args)
  }
  static now() {
    return frozen === null ? RealDate.now() : frozen
  }
}
globalThis.Date = FrozenDate

// nobody waits for the client's own time-out, which is at least 10 ms here
const realTimeout = setTimeout
globalThis.setTimeout = (fn, ms, ...rest) => realTimeout(fn, Math.min(ms ?? 0, 40), ...rest)

const network = { responses: null, requests: [] }
const fetchPath = need.resolve('cross-fetch')
const real = need(fetchPath)

async function fetch(request) {
  const entries = network.responses?.length ? network.responses : [{ status: 200, json: {} }]
  // requests may be on their way side by side: the place is taken before anything is awaited
  const place = network.requests.push(null) - 1
  const answer = entries[Math.min(place, entries.length - 1)]
  network.requests[place] = await shownRequest(request)
  if (answer.timeout) {
    return new Promise((_resolve, reject) => {
      const stop = () => reject(Object.assign(new Error('The user aborted a request.'), { name: 'AbortError' }))
      if (request.signal?.aborted) stop()
      else request.signal?.addEventListener('abort', stop)
    })
  }
  if (request.signal?.aborted) {
    throw Object.assign(new Error('The user aborted a request.'), { name: 'AbortError' })
  }
  if (answer.network_error !== undefined) {
    const message = answer.message ?? `request to ${request.url} failed, reason: ${answer.network_error}`
    throw Object.assign(new Error(message), { name: 'FetchError', code: answer.network_error, type: 'system' })
  }
  const headers = { ...answer.headers }
  // bytes: for a text a content type would be added
  let body = answer.body == null ? null : Buffer.from(answer.body)
  if ('json' in answer) {
    body = Buffer.from(JSON.stringify(answer.json))
    if (!Object.keys(headers).some((key) => key.toLowerCase() === 'content-type')) {
      headers['content-type'] = 'application/json'
    }
  }
  const statusText = answer.statusText ?? require('http').STATUS_CODES[answer.status] ?? ''
  return new real.Response(body, { status: answer.status, statusText, headers })
}
for (const key of Object.keys(real)) fetch[key] = real[key]
fetch.default = fetch
fetch.fetch = fetch
// replaced before anything of the peer is required
require.cache[fetchPath].exports = fetch

async function shownRequest(request) {
  const headers = {}
  for (const [key, value] of request.headers.entries()) headers[key.toLowerCase()] = value
  const made = { method: request.method, url: request.url, headers }
  const text = await request.clone().text()
  if (text === '' && request.body == null) return made
  if (!(headers['content-type'] ?? '').includes('json')) return { ...made, body: text }
  try {
    return { ...made, json: JSON.parse(text) }
  } catch {
    return { ...made, body: text }
  }
}

// --- the peer ---------------------------------------------------------------------------------------------

const core = need('@segment/actions-core')
const { transform, transformBatch } = need('@segment/actions-core/mapping-kit')
const { validateSchema } = need('@segment/actions-core/schema-validation')
const { fieldsToJsonSchema } = need('@segment/actions-core/destination-kit/fields-to-jsonschema')
const inside = path.dirname(need.resolve('@segment/actions-core'))
const { removeEmptyValues } = require(path.join(inside, 'remove-empty-values.js'))
const createRequestClient = require(path.join(inside, 'create-request-client.js')).default
const createInstance = require(path.join(inside, 'request-client.js')).default
const { resolveAudienceMembership } = require(path.join(inside, 'audience-membership.js'))
const subscriptions = createRequire(path.join(inside, 'index.js'))('@segment/destination-subscriptions')
const { parseFql, validate, generateFql } = subscriptions
const customerio = need('@segment/action-destinations/dist/destinations/customerio').default

// --- what JSON cannot hold --------------------------------------------------------------------------------

function shown(value, member = false) {
  if (value === undefined) return member ? undefined : { $undefined: true }
  if (typeof value === 'function') return { $function: true }
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) }
  if (value instanceof real.Response) {
    return { $response: { status: value.status, data: shown(value.data), content: value.content } }
  }
  if (Array.isArray(value)) return Array.from(value, (item) => shown(item))
  if (value !== null && typeof value === 'object') {
    const made = {}
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) made[key] = shown(item, true)
    }
    return made
  }
  return value
}

function texts(error) {
  if (error.name === 'AggregateAjvError') return error.errors.map((one) => one.message)
  if (typeof error[Symbol.iterator] === 'function') return [...error].map((one) => one.message)
  return [error.message]
}

const CATEGORIES = {
  HTTPError: 'http',
  TimeoutError: 'timeout',
  FetchError: 'network',
  AggregateAjvError: 'payload_validation',
  AggregateError: 'mapping_validation',
  RequestClientError: 'aborted',
  RequestTimeoutError: 'signal_timeout'
}
const INTEGRATION = new Set([
  'IntegrationError', 'RetryableError', 'InvalidAuthenticationError', 'PayloadValidationError', 'APIError',
  'SelfTimeoutError'
])

function failure(error) {
  const liquid = ['ParseError', 'RenderError', 'TokenizationError', 'UndefinedVariableError', 'AssertionError', 'LiquidError']
  const name = error?.name ?? 'Error'
  let category = CATEGORIES[name] ?? (INTEGRATION.has(name) ? 'integration' : liquid.includes(name) ? 'liquid' : 'other')
  if (name === 'ValidationError') category = 'mapping_validation'
  if (/^liquid template values are limited/.test(error?.message ?? '')) category = 'liquid'
  const made = { category, name, messages: texts(error) }
  for (const key of ['status', 'code']) if (error[key] !== undefined) made[key] = error[key]
  if (error.response) made.response_status = error.response.status
  return made
}

const built = require('./destination.js')({ core, shown, signal })

// --- kinds ------------------------------------------------------------------------------------------------

const runs = {
  fql(input) {
    if (input.op === 'generate') {
      try {
        return { expect: { fql: generateFql(input.ast) } }
      } catch (error) {
        return { error: { phase: 'generate', name: error.name, message: error.message } }
      }
    }
    const ast = parseFql(input.fql)
    if (ast.error) return { error: { phase: 'parse', name: ast.error.name, message: ast.error.message } }
    if (input.op === 'parse') return { expect: { ast: shown(ast) } }
    try {
      return { expect: { matched: validate(ast, input.event) } }
    } catch (error) {
      return { error: { phase: 'evaluate', name: error.name, message: error.message } }
    }
  },

  mapping(input) {
    try {
      const run = input.op === 'transformBatch' ? transformBatch : transform
      const expect = { output: shown(run(input.mapping, input.data)) }
      if (input.report_mapping) expect.mapping_after = shown(input.mapping)
      return { expect }
    } catch (error) {
      const made = failure(error)
      const phase = /^data must be/.test(error.message) ? 'input'
        : made.category === 'mapping_validation' || /^The root (mapping|directive)/.test(error.message) ? 'validate' : 'resolve'
      return { error: { phase, ...made } }
    }
  },

  validation(input) {
    let schema
    try {
      schema = fieldsToJsonSchema(input.fields)
      if (input.op === 'schema') return { expect: { schema: shown(schema) } }
      validateSchema({}, schema, { throwIfInvalid: false })
    } catch (error) {
      return { error: { phase: 'schema', name: error.name, messages: [error.message] } }
    }
    try {
      const payload = removeEmptyValues(input.payload, schema, input.mode === 'single')
      validateSchema(payload, schema, { exempt: ['dynamicAuthSettings'] })
      return { expect: { payload: shown(payload) } }
    } catch (error) {
      const pointers = error.errors?.map((one) => one.pointer)
      return { error: { phase: 'validate', name: error.name, messages: texts(error), pointers } }
    }
  },

  async customerio(input) {
    const destination = new core.Destination(customerio)
    const settings = { ...input.settings }
    if (input.subscriptions) settings.subscriptions = input.subscriptions
    if (input.subscription) settings.subscription = input.subscription
    return called(() => {
      if (input.op === 'onEvent') return destination.onEvent(input.event, settings)
      if (input.op === 'onBatch') return destination.onBatch(input.events, settings)
      if (input.op === 'onDelete') return destination.onDelete(input.event, settings)
      return destination.testAuthentication(settings).then(() => null)
    })
  },

  async request(input) {
    if (input.op === 'destination') return described(input)
    if (input.op === 'audience_membership') {
      return { expect: { membership: shown(resolveAudienceMembership(input.event, input.sync_mode)) } }
    }
    if (input.op === 'error_codes') {
      const codes = input.statuses.map((status) => [status, core.getErrorCodeFromHttpStatus(status)])
      return { expect: { codes: Object.fromEntries(codes) } }
    }
    if (input.op !== 'request') throw new Error(`not recorded: ${input.op}`)
    const result = await called(() => {
      const defaults = [...input.client]
      if (input.client_signal) defaults.push({ signal: signal(input.client_signal) })
      const options = input.signal ? { ...input.options, signal: signal(input.signal) } : input.options
      const client = input.bare ? createInstance(defaults[0]) : createRequestClient(...defaults)
      return client(input.url, options)
    })
    if (result.error) return result
    const { response } = result
    const made = { status: response.status, ok: response.ok, data: shown(response.data), content: response.content }
    if (response.statusText) made.statusText = response.statusText
    made.headers = {}
    for (const [key, value] of response.headers.entries()) made.headers[key] = value
    if (input.bare) for (const key of ['headers', 'data', 'content']) delete made[key]
    return { expect: { requests: network.requests, response: made } }
  }
}

let destinations = 0

async function described(input) {
  const calls = []
  const refreshes = []
  const completions = []
  const suffix = ` ${++destinations}`
  if (input.preload) {
    const { definition, subscriptions, event } = input.preload
    const before = new core.Destination(built(definition, [], suffix))
    await before.onEvent(event, { ...input.settings, subscriptions }).catch(() => {})
    network.requests = []
  }
  const destination = new core.Destination(built(input.definition, calls, suffix))
  const settings = JSON.parse(JSON.stringify(input.settings ?? {}))
  const all = { ...settings, subscriptions: input.subscriptions }
  const options = {
    onTokenRefresh: (tokens) => refreshes.push(shown(tokens)),
    onComplete: ({ action, output }) => completions.push({ action, output: shown(output) })
  }
  if (input.signal) options.signal = signal(input.signal)
  const answer = await called(() => {
    if (input.call === 'onEvent') return destination.onEvent(input.event, all, options)
    if (input.call === 'onBatch') return destination.onBatch(input.events, all, options)
    const { action, mapping, events } = input
    return destination.executeBatch(action, { events, mapping, settings, auth: {} })
  })
  delete answer.response
  const part = answer.error ?? answer.expect
  Object.assign(part, { calls, token_refreshes: refreshes })
  if (input.report_settings) part.settings_after = shown(settings)
  if (input.report_completions) part.completions = completions
  return answer
}

function signal({ kind, after_ms: after }) {
  if (kind === 'timeout') return AbortSignal.timeout(Math.min(after, 20))
  const controller = new AbortController()
  if (after === 0) controller.abort()
  else if (after !== null) realTimeout(() => controller.abort(), Math.min(after, 20))
  return controller.signal
}

async function called(call) {
  try {
    const result = await call()
    return { response: result, expect: { requests: network.requests, result: shown(result) } }
  } catch (error) {
    return { error: { ...failure(error), requests: network.requests } }
  }
}

// a signal that never fires switches the client's own time-out off: such a request never ends
function waitedTooLong() {
  return new Promise((_resolve, reject) => realTimeout(() => reject(new Error('never ended')), 1000).unref())
}

async function answer(line) {
  const { kind, input } = JSON.parse(line)
  frozen = input.now_ms ?? null
  process.env.TZ = input.tz ?? 'UTC'
  network.responses = input.responses
  network.requests = []
  const { expect, error } = await Promise.race([runs[kind](input), waitedTooLong()])
  return JSON.stringify(error ? { error } : { expect })
}

async function main() {
  // LF only: a text may hold U+2028, at which readline would break the line
  let rest = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      let said
      try {
        said = await answer(line)
      } catch (error) {
        said = JSON.stringify({ failed: String(error.stack) })
      }
      process.stdout.write(said + '\n')
    }
  }
}

main().then(() => process.exit(0))
