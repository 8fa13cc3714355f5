"""Words of the endpoints that programs call."""

IMAGE = "Picture"
PROMPT = "Question"
LENGTH = "Maximum number of tokens in the answer"
ETA = "KL threshold in nats"
SCOPE = "Which KL is compared with the threshold"
RULE = "Which K under the threshold is picked"
METHOD = 'Strategy with its options, such as "vtw:k=8"'
MODEL = "Model, one that the page offers; empty for the page's own"
MORE_IMAGES = "Further pictures for the same question, if any"
ANSWER = "Answer"
NO_IMAGE = "There is no image: upload one and pass its name."
