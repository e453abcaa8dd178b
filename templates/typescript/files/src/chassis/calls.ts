/** One way for every call, whatever the transport: admit, run within limits, log, count, audit. */
import type { CallContext } from './context.js';
import type { CallTools, Contract, Resource, Tool, ToolContext } from './declarations.js';
import { AppError, type ErrorCategory, retryLater, toAppError } from './errors.js';
import type { JsonObject } from './json.js';
import type { Lifecycle } from './lifecycle.js';
import {
  type Bulkhead,
  BulkheadFullError,
  orAbort,
  type RateLimiter,
  Slot,
  type Waits,
} from './limits.js';
import type { Audit } from './observability/audit.js';
import type { Logger } from './observability/logs.js';
import type { Metrics } from './observability/metrics.js';
import { type Carrier, markFailed, serverSpan } from './observability/tracing.js';
import { codePoints } from './text.js';

/** What the protocol knows about a call. */
export interface CallRequest {
  /** Aborts when the client cancels or disconnects. */
  readonly signal: AbortSignal;
  /** Where W3C trace context may be found. */
  readonly carrier: Carrier;
  readonly reportProgress: (progress: number) => Promise<void>;
}

/** A tool's answer: its text, and structured content unless it is an error. */
export interface ToolAnswer {
  readonly text: string;
  readonly content?: JsonObject;
}

export interface CallServices {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly audit: Audit;
  readonly lifecycle: Lifecycle;
  readonly rateLimiter: RateLimiter | undefined;
  readonly bulkhead: Bulkhead;
  readonly waits: Waits;
  readonly timeoutSeconds: number;
  readonly maxResultBytes: number;
  readonly shared: Omit<CallTools, 'subject' | 'limits'>;
}

interface Failure {
  readonly category: ErrorCategory;
  /** An error code, or `cancelled` by a client that does not wait for the answer. */
  readonly code: string;
}

export class Calls {
  readonly #services: CallServices;
  readonly #logger: Logger;

  constructor(services: CallServices) {
    this.#services = services;
    this.#logger = services.logger.child({ logger: 'tools' });
  }

  /**
   * Reserves a place for a tool call; waiting for it counts towards the tool's timeout.
   * @throws AppError `shutting_down`, `rate_limited` or `overloaded`; the signal's reason
   */
  async admit(rateKey: string, signal: AbortSignal): Promise<Slot> {
    const { lifecycle, rateLimiter, bulkhead, timeoutSeconds, metrics } = this.#services;
    if (lifecycle.draining) throw new AppError('shutting_down');
    const wait = (await rateLimiter?.take(rateKey)) ?? 0;
    if (wait > 0) throw retryLater('rate_limited', wait);

    const { signal: over, end, endsAt } = startTimer(timeoutSeconds);
    const slot = new Slot(over, endsAt, () => {
      end();
      metrics.inFlight.dec();
    });
    try {
      slot.leave = await bulkhead.enter(rateKey, AbortSignal.any([over, signal]));
    } catch (error) {
      // A call whose time ran out in the queue goes on, only to answer `timeout`.
      if (!over.aborted) {
        end();
        throw error instanceof BulkheadFullError ? retryLater('overloaded', 1) : error;
      }
    }
    metrics.inFlight.inc();
    return slot;
  }

  /** Records that a request was refused; the transport tells the client. */
  refused(error: AppError, subject: string, name: string | null): void {
    const { metrics, audit } = this.#services;
    metrics.rejected(error.code);
    const scopes = (error.details['required_scopes'] ?? []) as string[];
    audit.record('denied', { subject, name, outcome: error.code, scopes });
  }

  /** Counts a call of a tool that does not exist; its name stays out of labels and logs. */
  unknownTool(): void {
    this.#services.metrics.toolCalled('unknown', 'client_error');
  }

  /** Runs a tool in its slot and answers, come what may. */
  async run(
    tool: Tool,
    args: JsonObject,
    request: CallRequest,
    context: CallContext,
    slot: Slot,
  ): Promise<ToolAnswer> {
    slot.claim();
    const started = performance.now();
    let failure: Failure | undefined;
    let answer: ToolAnswer;
    try {
      answer = await this.#execute(tool, args, request, context, slot);
    } catch (error) {
      const known = toAppError(error);
      failure = request.signal.aborted ? { category: 'client_error', code: 'cancelled' } : known;
      if (failure.code === 'internal') {
        this.#logger.error({ err: error, tool_name: tool.name }, 'tool.crashed');
      }
      answer = errorAnswer(known, context.correlationId);
    } finally {
      slot.release();
    }
    this.#report(tool, args, context, { started, answer, failure });
    return answer;
  }

  /** Reads a resource within the time limit of a tool, and audits it. */
  readResource(
    resource: Resource,
    variable: string,
    { identity }: CallContext,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { subject } = identity;
    return this.#read('resource_read', resource, subject, undefined, async (over, deadline) => {
      const limits = { signal: AbortSignal.any([over, signal]), deadline };
      return await resource.read(variable, { ...this.#services.shared, subject, limits });
    });
  }

  /** Renders a prompt, and audits it. */
  readPrompt(
    prompt: Contract,
    args: JsonObject,
    { identity }: CallContext,
    render: () => string,
  ): Promise<string> {
    return this.#read('prompt_read', prompt, identity.subject, args, () =>
      Promise.resolve(render()),
    );
  }

  async #read<T>(
    event: string,
    contract: Contract & { readonly scope?: string },
    subject: string,
    args: JsonObject | undefined,
    read: (signal: AbortSignal, deadline: number) => Promise<T>,
  ): Promise<T> {
    const { audit, timeoutSeconds } = this.#services;
    this.#noteUse(contract);
    const { signal, end, endsAt } = startTimer(timeoutSeconds);
    let outcome = 'success';
    try {
      return await orAbort(read(signal, endsAt), signal);
    } catch (error) {
      outcome = toAppError(error).category;
      throw error;
    } finally {
      end();
      const scopes = contract.scope === undefined ? [] : [contract.scope];
      audit.record(event, { subject, name: contract.name, outcome, scopes, args });
    }
  }

  async #execute(
    tool: Tool,
    args: JsonObject,
    { signal, carrier, reportProgress }: CallRequest,
    { identity, rateKey }: CallContext,
    slot: Slot,
  ): Promise<ToolAnswer> {
    const { shared, maxResultBytes } = this.#services;
    this.#noteUse(tool);
    const abort = AbortSignal.any([slot.deadline, signal]);
    const context: ToolContext = {
      ...shared,
      subject: identity.subject,
      limits: { signal: abort, deadline: slot.endsAt },
      reportProgress,
      waiting: (wait) => this.#wait(wait, rateKey, slot, abort),
    };
    const attributes = { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': tool.name };
    return serverSpan(`tools/call ${tool.name}`, attributes, carrier, async (span) => {
      try {
        abort.throwIfAborted();
        const content = await orAbort(tool.call(args, context), abort);
        const text = JSON.stringify(content);
        if (Buffer.byteLength(text) <= maxResultBytes) return { text, content };
        throw new AppError('result_too_large');
      } catch (error) {
        markFailed(span, toAppError(error).code);
        throw error;
      }
    });
  }

  /** Runs `wait` while the slot is somebody else's, and comes back for one. */
  async #wait<T>(
    wait: () => Promise<T>,
    caller: string,
    slot: Slot,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { bulkhead, waits } = this.#services;
    const end = waits.begin(caller);
    if (!end) return undefined;
    slot.leave();
    try {
      return await wait();
    } finally {
      end();
      if (!signal.aborted) slot.leave = await bulkhead.enter(caller, signal, true);
    }
  }

  #report(
    tool: Tool,
    args: JsonObject,
    { identity }: CallContext,
    end: { started: number; answer: ToolAnswer; failure: Failure | undefined },
  ): void {
    const { metrics, audit } = this.#services;
    const { started, answer, failure } = end;
    const milliseconds = performance.now() - started;
    const outcome = failure?.category ?? 'success';
    metrics.toolCalled(tool.name, outcome, milliseconds / 1000);
    const fields = {
      tool_name: tool.name,
      duration_ms: Math.round(milliseconds * 1000) / 1000,
      success: !failure,
      input_length: codePoints(JSON.stringify(args)),
      ...(!failure && { output_length: codePoints(answer.text) }),
      error_category: failure?.category ?? null,
      error_code: failure?.code ?? null,
    };
    if (failure) this.#logger.warn(fields, 'tool.failed');
    else this.#logger.info(fields, 'tool.completed');
    const { subject } = identity;
    audit.record('tool_called', { subject, name: tool.name, outcome, scopes: [tool.scope], args });
  }

  #noteUse({ name, deprecated }: Contract): void {
    if (!deprecated) return;
    this.#services.metrics.deprecatedUsed(name);
    this.#logger.warn({ contract: name }, 'contract.deprecated_used');
  }
}

/** Time to do something in; its signal aborts with AppError `timeout`. */
function startTimer(seconds: number) {
  const time = new AbortController();
  const endsAt = performance.now() + seconds * 1000;
  const timer = setTimeout(() => {
    time.abort(new AppError('timeout'));
  }, seconds * 1000);
  const end = () => {
    clearTimeout(timer);
  };
  return { signal: time.signal, endsAt, end };
}

/** The text of a tool error is exactly `{"error": …}`. */
export function errorAnswer(error: AppError, correlationId: string): ToolAnswer {
  return { text: JSON.stringify({ error: error.payload(correlationId) }) };
}
