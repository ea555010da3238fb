"""Networks: physics layers, models, losses and the training loop, in Keras 3 with ``keras.ops`` only."""
