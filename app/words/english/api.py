"""Words of the endpoints that programs call."""

IMAGE = "Picture"
PROMPT = "Question"
LENGTH = "The most tokens of an answer"
ETA = "KL threshold in nats"
SCOPE = "Which KL is held against the threshold"
RULE = "Which K under the threshold is taken"
METHOD = 'Strategy with its options, such as "vtw:k=8"'
MODEL = "Model, one of those that the page offers; empty for its own"
MORE_IMAGES = "Further pictures of the same question, if any"
ANSWER = "Answer"
NO_IMAGE = "There is no image: upload one and name it."
