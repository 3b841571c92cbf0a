package telemetry

// Names of attributes. Those of models follow OpenTelemetry's semantic conventions for generative AI, which are still in
// development: what they come to be called is changed here alone.
const (
	genOperation     = "gen_ai.operation.name" // chat, invoke_agent, execute_tool
	genProvider      = "gen_ai.provider.name"
	genRequestModel  = "gen_ai.request.model"
	genMaxTokens     = "gen_ai.request.max_tokens"
	genTemperature   = "gen_ai.request.temperature"
	genResponseModel = "gen_ai.response.model"
	genFinish        = "gen_ai.response.finish_reasons"
	genInputTokens   = "gen_ai.usage.input_tokens"
	genOutputTokens  = "gen_ai.usage.output_tokens"
	genCachedTokens  = "gen_ai.usage.cache_read.input_tokens"
	genOutputType    = "gen_ai.output.type" // text, json
	genAgent         = "gen_ai.agent.name"
	genTool          = "gen_ai.tool.name"
	genConversation  = "gen_ai.conversation.id"

	// Contents, only where OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for them.
	genSystem         = "gen_ai.system_instructions"
	genInputMessages  = "gen_ai.input.messages"
	genOutputMessages = "gen_ai.output.messages"

	operationChat  = "chat"
	operationAgent = "invoke_agent"
	operationTool  = "execute_tool"

	errorType     = "error.type"
	httpMethod    = "http.request.method"
	httpRoute     = "http.route"
	httpStatus    = "http.response.status_code"
	dbOperation   = "db.operation.name"
	ourRequest    = "codeforge.request.id"
	ourJob        = "codeforge.job.id"
	ourProject    = "codeforge.project.id"
	ourFence      = "codeforge.job.claim"
	ourEnd        = "codeforge.job.end"
	ourCost       = "codeforge.cost.micro_usd"
	ourCall       = "codeforge.call.number"
	ourFirstToken = "codeforge.time_to_first_token.ms"
	ourSkipped    = "codeforge.attempt.skipped"
	ourNext       = "codeforge.attempt.next"
	ourWebhook    = "codeforge.webhook.id"
	ourDelivery   = "codeforge.webhook.delivery"
	ourTry        = "codeforge.webhook.try"
	ourOutcome    = "codeforge.webhook.outcome"
)

// genFinishes are the conventions' words for why an answer ended.
var genFinishes = map[string]string{"tool_calls": "tool_call"}
