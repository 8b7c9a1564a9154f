// Client of a kedge gateway, for browsers and Node 18 or later; no dependencies. Served by every gateway at /client.mjs, so a
// page may import it from there: import { connect, getResolver } from 'https://gateway.example/client.mjs'
//
//   connect(url)      asks that gateway: resolve, resolveAt, authority, follow
//   getResolver(url)  for did-resolver: new Resolver(getResolver(url))
//
// Loaded from a gateway the url may be left out: it is that gateway. docs/api.md, "From JavaScript", has examples.

/**
 * What the gateway says went wrong (RFC 9457), or for resolution its error object.
 * @typedef {{ type: string, title: string, status?: number, detail?: string, pointer?: string, rule?: string, next?: string }} Problem
 */
/**
 * @typedef {object} ResolutionResult
 * @property {{ contentType?: string, error?: Problem, [more: string]: unknown }} didResolutionMetadata
 * @property {{ id: string, [member: string]: unknown } | null} didDocument null where there is an error, and of what was erased
 * @property {{ versionId?: string, created?: string, updated?: string, deactivated?: boolean, [more: string]: unknown }} didDocumentMetadata
 */
/**
 * As of a block, or of an instant: seconds are what counts.
 * @typedef {{ block: number | bigint | string } | { time: Date | string }} At
 */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} Call timeout in milliseconds, 10,000 unless given */
/**
 * An event of a stream: `id` is the log's size after the entry, `seq` the entry's place, `entry` its line.
 * @typedef {{ id: number, kind: string, seq: number, at: number, subject: string, did: string | null, versionId: string | null,
 *   entry: object, erased?: boolean, handle?: string, verb?: string, object?: string, role?: string }} LogEvent
 */

const TIMEOUT_MS = 10000;
const ANSWER_MAX = 1 << 20; // bytes
const LINE_MAX = 1 << 20;
const SILENCE_MS = 45000; // three of the gateway's heartbeats
const PAUSE_MIN_MS = 1000;
const PAUSE_MAX_MS = 30000;
const PAUSE_ASKED_MAX_MS = 86400000; // a day, whatever a gateway asks for
const TIMER_MAX_MS = 2147483647; // what is more is taken for nothing at all by timers
const NS = 'https://www.w3.org/ns/did#';

/** A request that the gateway refused, or that did not reach it (`status` 0). */
export class GatewayError extends Error {
  /** @param {number} status @param {Problem} problem @param {number} [retryAfter] seconds */
  constructor(status, problem, retryAfter) {
    super([problem.title, problem.detail, problem.next].filter(Boolean).join(' '));
    this.name = 'GatewayError';
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** @param {() => void} then @param {number} ms also Infinity */
const later = (then, ms) => setTimeout(then, Math.min(ms, TIMER_MAX_MS));

const unreached = (error) => new GatewayError(0, {
  type: 'about:blank', title: 'The gateway was not reached.', detail: String(error?.cause?.message ?? error?.message ?? error),
  next: 'Check the address and the network, and try again.',
});

/** @param {string | URL | undefined} given */
function baseOf(given) {
  const from = given ?? (/^https?:/.test(import.meta.url) ? new URL('.', import.meta.url) : undefined);
  if (from === undefined) throw new TypeError('this file came from no gateway: give the address of one, such as https://gateway.example');
  const url = new URL(from);
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${url} is not the address of a gateway: http or https`);
  return url.href.replace(/[?#].*$/, '').replace(/\/+$/, '');
}

/** Bytes of an answer, or a GatewayError if there are too many. @param {Response} answer */
async function textOf(answer) {
  if (!answer.body) return '';
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '', bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    if ((bytes += value.length) > ANSWER_MAX) {
      await reader.cancel();
      throw new GatewayError(answer.status, { type: 'about:blank', title: 'The answer is too large.', next: 'Is this a gateway?' });
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** @param {string} url @param {string} accept @param {Call} call @returns {Promise<{ status: number, value: any, retryAfter?: number }>} */
async function get(url, accept, { timeout = TIMEOUT_MS, signal } = {}) {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const timer = later(() => stop.abort(new Error(`no answer within ${timeout} ms`)), timeout);
  try {
    const answer = await fetch(url, { headers: { accept }, signal: stop.signal, redirect: 'error', credentials: 'omit' });
    const text = await textOf(answer);
    const retryAfter = Number(answer.headers.get('retry-after')) || undefined;
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      throw new GatewayError(answer.status, { type: 'about:blank', title: 'The answer is not JSON.', next: 'Is this a gateway?' }, retryAfter);
    }
    return { status: answer.status, value, retryAfter };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw error instanceof GatewayError ? error : unreached(stop.signal.aborted ? stop.signal.reason : error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** @param {At} at @returns {[string, string]} name of the option, and its value */
function pointOf(at) {
  if (at && 'block' in at && /^\d+$/.test(String(at.block))) return ['versionId', String(at.block)];
  const time = at && 'time' in at ? new Date(at.time) : new Date(NaN);
  if (Number.isNaN(time.getTime())) throw new TypeError('give { block } or { time }');
  return ['versionTime', time.toISOString().replace(/\.\d+Z$/, 'Z')]; // blocks are of whole seconds
}

/** The gateway's own path for an agent: an id as it is, or from its key text, or from a DID of that host. @param {string} base */
function agentPath(base, agent) {
  const text = String(agent);
  const key = /^eip155:(\d+)\/erc721:(0x[0-9a-fA-F]{40})\/(\d+)$/.exec(text);
  if (key) return `${key[1]}:${key[2]}:${key[3]}`;
  const did = /^did:web:([^:]+):agent:(?:eip155:(\d+):(0x[0-9a-fA-F]{40}):(\d+)|(\d+):(\d+))$/.exec(text);
  if (!did) return text;
  // the same chain and number name another agent elsewhere
  if (did[1].replace(/%3a/i, ':').toLowerCase() !== new URL(base).host.toLowerCase())
    throw new TypeError(`${text} is not an agent of ${base}; resolve() takes DIDs of any host`);
  return did[2] !== undefined ? `${did[2]}:${did[3]}:${did[4]}` : `${did[5]}:${did[6]}`;
}

/** As one segment of a path, without a fragment, as did-resolver does; undefined: nothing that a path can hold. @param {unknown} did */
function segmentOf(did) {
  try {
    const text = encodeURIComponent(String(did).replace(/#.*$/s, ''));
    return /^\.\.?$/.test(text) ? undefined : text;
  } catch {
    return undefined; // half a character
  }
}

/** The gateway's own result; a document that is not the one asked for is none, and beside an error there is none. @param {string} did */
function judged(did, result) {
  const { didDocument: document, didResolutionMetadata: { error } } = result;
  if (error || document === null) return { ...result, didDocument: null };
  if (document?.id === String(did).replace(/[/?#].*$/s, '')) return result;
  return failed({ title: 'The answer is the document of another DID.', next: 'Is this a gateway?' }, 'INVALID_DID_DOCUMENT');
}

/** @param {string} base @param {string} did @param {object} options */
async function resolveAs(base, did, { versionId, versionTime, ...call } = {}) {
  const segment = segmentOf(did);
  if (segment === undefined) return failed({ title: 'The text is no DID.', next: 'Correct it.' }, 'INVALID_DID');
  const query = new URLSearchParams();
  if (versionId !== undefined) query.set('versionId', String(versionId));
  if (versionTime !== undefined) query.set('versionTime', versionTime);
  const target = `${base}/1.0/identifiers/${segment}${String(query) ? `?${query}` : ''}`;
  try {
    const { value } = await get(target, 'application/did-resolution', call);
    if (value?.didResolutionMetadata && value.didDocumentMetadata && 'didDocument' in value) return judged(did, value);
    if (value?.dereferencingMetadata)
      return failed({ title: 'The text names a part of a document.', next: 'Give the DID alone.' }, 'INVALID_DID');
    // not the resolver's own answer, but the gateway's (400, 429, 503)
    return failed(value?.title ? value : { title: 'The answer is no resolution result.', next: 'Is this a gateway?' }, nameOf(value));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return failed(error.problem, nameOf(error.problem));
  }
}

/** A text that cannot stand in a path is refused before it is looked at as a DID. @param {Partial<Problem>} problem */
const nameOf = (problem) => (problem?.status === 400 ? 'INVALID_DID' : undefined);

/** @param {Partial<Problem>} problem @returns {ResolutionResult} */
const failed = (problem, name = 'INTERNAL_ERROR') => ({
  didDocument: null, didResolutionMetadata: { error: { title: 'The DID was not resolved.', ...problem, type: NS + name } }, didDocumentMetadata: {},
});

// ---- streams ----

/** Lines of a body as they come; the last one without its end is dropped, as the format wants it. */
async function* linesOf(reader, alive) {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    rest += decoder.decode(value, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX) throw new Error('a line of the stream is too long');
    yield* lines;
  }
}

/** One connection. Calls on({ id, data }) for each event, and for an id alone; returns at its end. */
async function listen(url, { signal, silence, on, onRetry }) {
  const stop = new AbortController();
  const abort = () => stop.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = later(abort, silence);
  };
  alive();
  try {
    const answer = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: stop.signal, cache: 'no-store', redirect: 'error', credentials: 'omit' });
    if (answer.status !== 200 || !answer.body) {
      let problem;
      try {
        problem = JSON.parse(await textOf(answer));
      } catch { /* the status says enough */ }
      throw new GatewayError(answer.status, { type: 'about:blank', title: `The stream was refused: ${answer.status}.`, ...problem },
        Number(answer.headers.get('retry-after')) || undefined);
    }
    if (!/^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? ''))
      throw new GatewayError(200, { type: 'about:blank', title: 'The answer is no stream of events.', next: 'Is this a gateway?' });
    let id, data;
    for await (const line of linesOf(answer.body.getReader(), alive)) {
      if (line === '') {
        if (id !== undefined || data !== undefined) {
          clearTimeout(timer); // what the caller does takes as long as it takes
          await on({ id, data });
          alive();
        }
        data = undefined;
      } else if (line.startsWith('id: ')) id = Number(line.slice(4));
      else if (line.startsWith('data: ')) data = line.slice(6);
      else if (line.startsWith('retry: ')) onRetry(Number(line.slice(7)));
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    stop.abort();
  }
}

const pause = (ms, signal) => new Promise((resolve) => {
  const timer = later(done, ms);
  function done() {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    resolve(undefined);
  }
  signal.addEventListener('abort', done, { once: true });
  if (signal.aborted) done();
});

/** Whether not to come back: refused for what was asked is for good, and who never was a gateway will not become one. */
const isFinal = (error, heard) => error instanceof GatewayError &&
  (error.status === 200 ? !heard : error.status >= 400 && error.status < 500 && ![408, 425, 429].includes(error.status));

async function followOn(base, place, onEvent, { stream, silence, signal }) {
  let wait = PAUSE_MIN_MS, least = PAUSE_MIN_MS, heard = false;
  while (!signal.aborted) {
    /** @type {{ error: unknown } | undefined} */
    let thrown;
    const on = async ({ id, data }) => {
      heard = true;
      wait = least;
      if (!Number.isSafeInteger(id) || id <= (place.id ?? -1)) return;
      if (data !== undefined) {
        try {
          await onEvent({ id, ...JSON.parse(data) });
        } catch (error) {
          thrown = { error };
          throw error;
        }
      }
      place.id = id;
    };
    let retryAfter = 0;
    try {
      await listen(`${base}/v1/streams/${encodeURIComponent(stream)}${place.id === undefined ? '' : `?from=${place.id}`}`,
        { signal, silence, on, onRetry: (ms) => { least = Math.min(Math.max(ms || 0, PAUSE_MIN_MS), PAUSE_MAX_MS); } });
    } catch (error) {
      if (thrown) throw /** @type {{ error: unknown }} */ (thrown).error;
      if (signal.aborted) return;
      if (isFinal(error, heard)) throw error;
      retryAfter = Math.min((error instanceof GatewayError && error.retryAfter || 0) * 1000, PAUSE_ASKED_MAX_MS);
    }
    if (signal.aborted) return;
    await pause(Math.max(retryAfter, wait) * (1 + Math.random() / 2), signal);
    wait = Math.min(wait * 2, PAUSE_MAX_MS);
  }
}

// ---- what is exported ----

/**
 * A gateway to ask.
 * @param {string | URL} [gateway] its address, such as https://gateway.example; left out: the one this file came from
 * @param {Call} [defaults]
 */
export function connect(gateway, defaults = {}) {
  const base = baseOf(gateway);
  return {
    url: base,

    /**
     * Resolves a DID of any host and method that the gateway serves. Does not throw for what is wrong with the DID or the gateway: then
     * didDocument is null and didResolutionMetadata.error says why.
     * @param {string} did @param {Call & { versionId?: string | number | bigint, versionTime?: string }} [options]
     * @returns {Promise<ResolutionResult>}
     */
    resolve: (did, options) => resolveAs(base, did, { ...defaults, ...options }),

    /**
     * Resolves it as of then.
     * @param {string} did @param {At} at @param {Call} [options] @returns {Promise<ResolutionResult>}
     */
    resolveAt: async (did, at, options) => {
      const [name, value] = pointOf(at);
      return resolveAs(base, did, { ...defaults, ...options, [name]: value });
    },

    /**
     * Whether a key speaks, or spoke then, for an agent of the gateway. Throws a GatewayError where that cannot be said.
     * @param {string | number | bigint} agent an id (42, CHAIN:42, CHAIN:0xREGISTRY:42), a key text, or a DID of the gateway's host
     * @param {string} address @param {At} [at] left out: now @param {Call} [options]
     * @returns {Promise<{ agent: string, address: string, speaks: boolean, role: 'owner' | 'wallet' | null, at: object, since: object | null,
     *   until: object | null, tier: string }>}
     */
    authority: async (agent, address, at, options) => {
      const query = new URLSearchParams({ address });
      if (at !== undefined) query.set('at', pointOf(at)[1]);
      const target = `${base}/v1/agents/${encodeURIComponent(agentPath(base, agent))}/authority?${query}`;
      const { status, value, retryAfter } = await get(target, 'application/json', { ...defaults, ...options });
      if (status !== 200) throw new GatewayError(status, { type: 'about:blank', title: `Refused: ${status}.`, ...value }, retryAfter);
      return value;
    },

    /**
     * Calls onEvent, one after the other, for each entry of the stream from a size of the log on, or from now on; comes back by itself after
     * a break, where it was. `id` is where to begin the next time. `done` ends when stop() was called or the signal fired, and fails with what onEvent
     * threw, or with the GatewayError of a refusal that repeating does not help.
     * @param {(event: LogEvent) => unknown} onEvent awaited
     * @param {{ from?: number, stream?: string, silence?: number, signal?: AbortSignal }} [options] silence: milliseconds without a byte after
     *   which the connection is taken for dead; the gateway sends something every 15 s
     * @returns {{ stop: () => void, done: Promise<void>, readonly id: number | undefined }}
     */
    follow: (onEvent, { from, stream = 'participant.did', silence = SILENCE_MS, signal } = {}) => {
      const stopping = new AbortController();
      const place = { id: from };
      if (signal?.aborted) stopping.abort();
      // a signal may outlive many of these: none of them stays with it
      signal?.addEventListener('abort', () => stopping.abort(), { once: true, signal: stopping.signal });
      return {
        stop: () => stopping.abort(),
        done: followOn(base, place, onEvent, { stream, silence, signal: stopping.signal }).finally(() => stopping.abort()),
        get id() {
          return place.id;
        },
      };
    },
  };
}

// The words that did-resolver and what is built on it know.
const WORDS = {
  INVALID_DID: 'invalidDid', INVALID_DID_URL: 'invalidDidUrl', INVALID_OPTIONS: 'invalidOptions', NOT_FOUND: 'notFound',
  REPRESENTATION_NOT_SUPPORTED: 'representationNotSupported', INVALID_DID_DOCUMENT: 'invalidDidDocument',
  METHOD_NOT_SUPPORTED: 'unsupportedDidMethod', FEATURE_NOT_SUPPORTED: 'featureNotSupported', INTERNAL_ERROR: 'internalError',
};

/**
 * Methods for did-resolver. versionId and versionTime in a DID URL are obeyed. An error is a word, as did-resolver has it, with `message`, and the
 * gateway's own object beside it as `problem`.
 * @param {string | URL} [gateway] @param {Call} [options]
 */
export function getResolver(gateway, options) {
  const { resolve } = connect(gateway, options);
  /** @param {string} did @param {{ query?: string }} parsed */
  const method = async (did, parsed) => {
    const query = new URLSearchParams(parsed?.query ?? '');
    const result = await resolve(did, { versionId: query.get('versionId') ?? undefined, versionTime: query.get('versionTime') ?? undefined });
    const { error, ...metadata } = result.didResolutionMetadata;
    if (!error) return result;
    const word = WORDS[String(error.type).replace(/^.*#/, '')] ?? 'internalError';
    const message = [error.title, error.detail, error.next].filter(Boolean).join(' ');
    return { ...result, didResolutionMetadata: { ...metadata, error: word, message, problem: error } };
  };
  return { web: method, pkh: method };
}
