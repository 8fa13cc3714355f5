"""The recipe of the small vision-language model that ships in ``assets/embedded_model``.

Read in this order: ``scenes`` (the world), ``questions`` (what is asked about it), ``tokenizer``
and ``architecture`` (the model), ``vision``, ``language``, ``projector`` and ``dialogue`` (the four
training stages), ``export`` (the checkpoint folder) and ``evaluate`` (the tables of the card).
"""
