/** The errors that a client can see: one table, one class, one shape on the wire. */

export type ErrorCategory = 'client_error' | 'business_error' | 'server_error';

interface ErrorKind {
  readonly category: ErrorCategory;
  readonly message: string;
  /** HTTP status when the request is refused before it reaches a tool. */
  readonly status?: number;
}

export const ERRORS = {
  invalid_argument: { category: 'client_error', message: 'Invalid arguments' },
  unauthenticated: {
    category: 'client_error',
    status: 401,
    message: 'a valid bearer token is required',
  },
  insufficient_scope: { category: 'client_error', status: 403, message: 'scope required' },
  forbidden: { category: 'client_error', status: 403, message: 'forbidden' },
  too_large: {
    category: 'client_error',
    status: 413,
    message: 'request body is larger than allowed',
  },
  unsupported_media_type: {
    category: 'client_error',
    status: 415,
    message: 'content type must be application/json',
  },
  rate_limited: { category: 'client_error', status: 429, message: 'rate limit exceeded' },
  record_not_found: { category: 'business_error', message: 'record_id: no such record' },
  operation_not_found: { category: 'business_error', message: 'operation_id: no such operation' },
  state_conflict: {
    category: 'business_error',
    message: 'idempotency_key: already used with other arguments',
  },
  too_many_operations: { category: 'business_error', message: 'too many running operations' },
  overloaded: { category: 'server_error', status: 503, message: 'the server is at capacity' },
  shutting_down: {
    category: 'server_error',
    status: 503,
    message: 'the server is shutting down',
  },
  dependency_unavailable: {
    category: 'server_error',
    status: 503,
    message: 'a dependency is unavailable',
  },
  timeout: { category: 'server_error', message: 'the tool did not finish in time' },
  result_too_large: {
    category: 'server_error',
    message: 'the result is larger than allowed',
  },
  internal: { category: 'server_error', status: 500, message: 'internal error' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorPayload {
  readonly category: ErrorCategory;
  readonly code: ErrorCode;
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
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get category(): ErrorCategory {
    return ERRORS[this.code].category;
  }

  /** HTTP status of the refusal; errors that only tools raise have none and read as 500. */
  get status(): number {
    const kind: ErrorKind = ERRORS[this.code];
    return kind.status ?? 500;
  }

  payload(correlationId: string): ErrorPayload {
    return {
      category: this.category,
      code: this.code,
      message: this.message,
      details: this.details,
      correlation_id: correlationId,
    };
  }
}

/** Anything that is not an AppError becomes `internal`; its own text stays in `cause`. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal', { cause: error });
}

/** `rate_limited` and `overloaded` tell the client when to come back: whole seconds, at least 1. */
export function retryLater(code: 'rate_limited' | 'overloaded', seconds: number): AppError {
  return new AppError(code, { details: { retry_after_seconds: Math.max(1, Math.ceil(seconds)) } });
}
