package codeforge

// Usage is what model calls consumed, in one convention for all providers: InputTokens holds everything that was sent,
// cached parts included; OutputTokens everything billed as output, thinking included. The other three are parts of those two.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`
	CachedReadTokens int64 `json:"cached_read_tokens"`
	CacheWriteTokens int64 `json:"cache_write_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	ReasoningTokens  int64 `json:"reasoning_tokens"`
}

// Add returns the sum of both.
func (u Usage) Add(o Usage) Usage {
	return Usage{u.InputTokens + o.InputTokens, u.CachedReadTokens + o.CachedReadTokens, u.CacheWriteTokens + o.CacheWriteTokens,
		u.OutputTokens + o.OutputTokens, u.ReasoningTokens + o.ReasoningTokens}
}
