// Build a destination of the hosted engine from its description, and write down what its functions were given.
'use strict'

module.exports = function ({ core, shown, signal }) {
  const errors = {
    IntegrationError: ({ message, code, status }) => new core.IntegrationError(message, code, status),
    RetryableError: ({ message, status }) => new core.RetryableError(message, status),
    InvalidAuthenticationError: ({ message, code }) => new core.InvalidAuthenticationError(message, code),
    PayloadValidationError: ({ message }) => new core.PayloadValidationError(message),
    APIError: ({ message, status }) => new core.APIError(message, status),
    SelfTimeoutError: ({ message }) => new core.SelfTimeoutError(message),
    Error: ({ message }) => new Error(message)
  }
  const failing = (error) => errors[error.type](error)

  function filled(value, bundle) {
    if (typeof value === 'string') {
      return value.replace(/\{\{([^}]+)\}\}/g, (_, path) => String(path.split('.').reduce((one, key) => one?.[key], bundle)))
    }
    if (Array.isArray(value)) return value.map((one) => filled(one, bundle))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, bundle)]))
  }

  function sent(request, wanted, data) {
    const options = { method: wanted.method ?? 'post', ...wanted.options }
    if (wanted.json === '$payload') options.json = data.payload
    else if (wanted.json !== undefined) options.json = filled(wanted.json, data)
    if (wanted.signal) options.signal = signal(wanted.signal)
    return request(filled(wanted.url, data), options)
  }

  function multistatus(items) {
    const made = new core.MultiStatusResponse()
    items.forEach((item, index) => {
      if (item?.success) made.setSuccessResponseAtIndex(index, item.success)
      else if (item?.error) made.setErrorResponseAtIndex(index, item.error)
    })
    return made
  }

  async function handled(does, request, data) {
    switch (does.kind) {
      case 'request':
        return sent(request, does.request, data)
      case 'requests_sequence': {
        let last
        for (let n = 0; n < does.count; n++) last = await sent(request, does.request, data)
        return last
      }
      case 'value':
        return does.value
      case 'throw':
        throw failing(does.error)
      case 'http_error':
        try {
          return await sent(request, does.request, data)
        } catch (error) {
          if (error.response) return error
          throw error
        }
      case 'multistatus':
        return multistatus(does.items)
      default: {
        const { status, statusText } = await sent(request, does.request, data)
        return multistatus(
          data.payload.map((payload) =>
            status < 400
              ? { success: { status, sent: payload, body: 'ok' } }
              : { error: { status, errormessage: statusText, sent: payload } }
          )
        )
      }
    }
  }

  function given(call, data) {
    const made = { call, payload: shown(data.payload) }
    for (const key of ['audienceMembership', 'syncMode', 'matchingKey']) {
      if (data[key] !== undefined) made[key] = shown(data[key])
    }
    if (Object.keys(data.hookOutputs ?? {}).length) made.hookOutputs = shown(data.hookOutputs)
    return made
  }

  /** Return the definition; every call of one of its functions is pushed on `calls`. */
  return function built(described, calls, suffix) {
    // schemas are kept under names for as long as the process lives
    const made = { name: described.name + suffix, mode: 'cloud', actions: {} }
    const { authentication, extendRequest } = described
    if (authentication) {
      made.authentication = { ...authentication }
      const refresh = authentication.refreshAccessToken
      if (refresh) {
        made.authentication.refreshAccessToken = async (request, data) => {
          calls.push({ call: 'refreshAccessToken', auth: shown(data.auth) })
          if (refresh.throw) throw failing(refresh.throw)
          const { data: answer } = await sent(request, refresh.request, data)
          return { accessToken: answer.access_token, refreshToken: answer.refresh_token }
        }
      }
    }
    if (extendRequest) made.extendRequest = (data) => filled(extendRequest, data)
    for (const [slug, { perform, performBatch, ...action }] of Object.entries(described.actions)) {
      made.actions[slug] = { description: '', ...action }
      for (const [name, does] of Object.entries({ perform, performBatch })) {
        if (!does) continue
        made.actions[slug][name] = (request, data) => {
          calls.push(given(name, data))
          return handled(does, request, data)
        }
      }
    }
    return made
  }
}
