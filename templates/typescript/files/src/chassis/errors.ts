/** The errors that a client can see: one table, one class, one shape on the wire. */

export type ErrorCategory = 'client_error' | 'business_error' | 'server_error';

interface ErrorKind {
  readonly category: ErrorCategory;
  readonly message: string;
  /** HTTP status when the request is refused before it reaches a tool. */
  readonly status?: number;
}

const client = (message: string, status?: number) =>
  ({ category: 'client_error', message, status }) as const;
const business = (message: string) => ({ category: 'business_error', message }) as const;
const server = (message: string, status?: number) =>
  ({ category: 'server_error', message, status }) as const;

/** What every server may answer; a tool's own business errors stand with the tool. */
export const ERRORS = {
  invalid_argument: client('Invalid arguments'),
  invalid_request: client('Invalid request', 400),
  unauthenticated: client('a valid bearer token is required', 401),
  insufficient_scope: client('scope required', 403),
  forbidden: client('forbidden', 403),
  not_acceptable: client('Accept must allow application/json and text/event-stream', 406),
  too_large: client('request body is larger than allowed', 413),
  unsupported_media_type: client('content type must be application/json', 415),
  rate_limited: client('rate limit exceeded', 429),
  operation_not_found: business('operation_id: no such operation'),
  state_conflict: business('idempotency_key: already used with other arguments'),
  too_many_operations: business('too many running operations'),
  overloaded: server('the server is at capacity', 503),
  shutting_down: server('the server is shutting down', 503),
  dependency_unavailable: server('a dependency is unavailable', 503),
  timeout: server('the tool did not finish in time'),
  result_too_large: server('the result is larger than allowed'),
  internal: server('internal error', 500),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** A business error of the server's own domain; the tools that throw it document its code. */
export interface OwnError {
  readonly code: string;
  readonly message: string;
}

export interface ErrorPayload {
  readonly category: ErrorCategory;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly correlation_id: string;
}

export interface AppErrorOptions extends ErrorOptions {
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error whose message and details may be shown to the client. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: string;
  readonly category: ErrorCategory;
  /** HTTP status of the refusal; errors that only tools raise have none and read as 500. */
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(error: ErrorCode | OwnError, options: AppErrorOptions = {}) {
    const kind: ErrorKind = typeof error === 'string' ? ERRORS[error] : business(error.message);
    super(options.message ?? kind.message, { cause: options.cause });
    this.code = typeof error === 'string' ? error : error.code;
    this.category = kind.category;
    this.status = kind.status ?? 500;
    this.details = options.details ?? {};
  }

  payload(correlationId: string): ErrorPayload {
    const { category, code, message, details } = this;
    return { category, code, message, details, correlation_id: correlationId };
  }
}

/** Anything that is not an AppError becomes `internal`; its own text stays in `cause`. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal', { cause: error });
}

/** These tell the client when to come back: whole seconds, at least 1. */
export function retryLater(
  code: 'rate_limited' | 'overloaded' | 'dependency_unavailable',
  seconds: number,
  message?: string,
): AppError {
  const details = { retry_after_seconds: Math.max(1, Math.ceil(seconds)) };
  return new AppError(code, { ...(message !== undefined && { message }), details });
}
