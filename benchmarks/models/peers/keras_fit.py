"""Keras `fit`, on the backend that KERAS_BACKEND names."""

import common
import keras

x, y, vx, vy, batch, epochs = common.arguments()
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((x.shape[1],)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(int(y.max()) + 1),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])
watch = common.Stopwatch()


class Laps(keras.callbacks.Callback):
    def on_epoch_end(self, _epoch, _logs=None):
        watch.lap()


history = model.fit(x, y, batch_size=batch, epochs=epochs, validation_data=(vx, vy), verbose=0, callbacks=[Laps()])
common.report(f"keras {keras.__version__} on {keras.backend.backend()}", watch.seconds, history.history["val_accuracy"][-1])
