// Asking the server: answers, and what went wrong in its words.

export const BASE = "/api/v1";

/** What went wrong, in the API's words: what it is, what it must be, what to do next. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly what: string,
    readonly next: string,
  ) {
    super(next ? `${what} ${next}` : what);
  }

  /** Whether the same request may succeed later. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function asError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(500, "The server’s answer could not be read.", "");
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export async function toError(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Record<string, string>;
    const what = problem["what"] ? `${problem["what"]}; ${problem["must"]}.` : problem["detail"];
    return new ApiError(response.status, sentenceCase(what ?? response.statusText), problem["next"] ?? "");
  } catch {
    return new ApiError(response.status, `The server answered ${response.status}.`, "Try again.");
  }
}

export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The server cannot be reached.", "Check that “regard serve” is still running.");
  }
  if (!response.ok) throw await toError(response);
  return (await response.json()) as T;
}

export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== "" && value !== null && value !== undefined) params.set(key, String(value));
  }
  return `?${params.toString()}`;
}
